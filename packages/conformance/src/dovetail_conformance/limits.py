"""What a package is known not to do right, and how its suite's tests are marked with it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import pytest

from dovetail_protocols import dtypes as dt

from .calls import Trial
from .case_bank import CASE_BANK, CASE_BANKS
from .case_bank.graphs import GraphCase
from .cases import Case
from .graph_calls import GraphTrial

PROVING = ("l1_", "l2_")
"""The levels at which a dtype is proved: a limit may take cases from them, never all."""
FAILURE = pytest.fail.Exception
ANYTHING = (FAILURE, Exception)
"""What may be expected of a test: that it finds something; or also that what it tries raises, where it doesn't ask."""
LIMITED, ADVISORY = "limited: ", "advisory: "
"""How the reasons of tests begin that may fail, in pytest's reports."""


@dataclass(frozen=True, slots=True)
class Limit:
    """One entry: a test by its name, or what it fails with, and why."""

    reason: str
    test: str = ""
    spec: str = ""
    dtype: str = ""
    level: str = ""
    case: str = ""

    def __str__(self) -> str:
        return self.test or " ".join(filter(None, (self.level, self.spec, self.dtype, self.case and repr(self.case))))

    def names(self, test: str, item: str, spec: str, dtype: str, case: str) -> bool:
        """Whether it is for this test on this item, as a whole (`case` is "") or for one of its cases."""
        if self.test:
            return self.test == f"{test}[{item}-{case}]" if case else self.test in (f"{test}[{item}]", test)
        found = self.spec == spec and self.dtype in ("", dtype) and test.startswith(f"{self.level.lower()}_")
        return found and self.case == case


class Limits:
    """The limits of a package, and which of them were met while its suite was made."""

    def __init__(self, limits: Sequence[Limit] = (), where: str = "", case_bank: str = CASE_BANK) -> None:
        self.limits, self.where, self.case_bank = tuple(limits), where, case_bank
        self._met: set[int] = set()
        self._too_wide: dict[int, str] = {}

    def trials(self, test: str, trials: Sequence[Trial]) -> pytest.MarkDecorator:
        """Parametrizes a test over trials: limited and advisory cases by themselves, as expected failures."""
        params = []
        for trial in trials:
            marks = {case.name: self._case_marks(test, trial, case) for case in trial.cases}
            rest = tuple(case for case in trial.cases if not marks[case.name])
            whole = self._marks(test, str(trial), trial.spec.id, trial.dtype, proves=test.startswith(PROVING))
            params.append(pytest.param(replace(trial, cases=rest), id=str(trial), marks=whole))
            for name in (name for name, of_case in marks.items() if of_case):
                alone = replace(trial, cases=tuple(case for case in trial.cases if case.name == name))
                params.append(pytest.param(alone, id=f"{trial}-{name}", marks=marks[name]))
        return pytest.mark.parametrize("trial", params, scope="class")  # all levels of a trial in a row

    def proving(self, trials: Sequence[Trial]) -> pytest.MarkDecorator:
        """Parametrizes a test over trials without the cases that prove nothing: limited at L1 or L2, or advisory."""
        clean = [
            replace(trial, cases=tuple(c for c in trial.cases if not self._is_apart(trial, c))) for trial in trials
        ]
        return pytest.mark.parametrize("trial", clean, ids=str, scope="class")

    def touched(self, trials: Sequence[Trial]) -> list[Trial]:
        """The trials some of whose cases prove nothing."""
        return [trial for trial in trials if any(self._is_apart(trial, case) for case in trial.cases)]

    def graphs(self, test: str, trials: Sequence[GraphTrial]) -> pytest.MarkDecorator:
        """Parametrizes a test over graphs."""
        params = []
        for trial in trials:
            marks = self._marks(test, str(trial), trial.case.name, trial.dtype) or self._advisory(trial.case)
            params.append(pytest.param(trial, id=str(trial), marks=marks))
        return pytest.mark.parametrize("graph", params)

    def each(self, **values: Iterable[Any]) -> Callable[[Any], Any]:
        """Parametrizes a test over all combinations of values, each by itself an expected failure where it is limited;
        without values it marks the test."""

        def marked(function: Any) -> Any:
            test = function.__name__.removeprefix("test_")
            if not values:
                marks = self._marks(test, "", "", "", expected=ANYTHING)
                return marks[0](function) if marks else function
            params = []
            for chosen in product(*values.values()):
                item = "-".join(map(str, chosen))
                params.append(pytest.param(*chosen, id=item, marks=self._marks(test, item, "", "", expected=ANYTHING)))
            return pytest.mark.parametrize(",".join(values), params)(function)

        return marked

    def problems(self) -> list[str]:
        """Limits that name nothing, and those that would leave a dtype without proof."""
        stale = [
            f"{limit}: no test has this limit. fix: correct it, or remove it from {self.where}"
            for number, limit in enumerate(self.limits)
            if number not in self._met and number not in self._too_wide
        ]
        return [*stale, *self._too_wide.values()]

    def _marks(
        self, test: str, item: str, spec: str, dtype: str, *, proves: bool = False, expected: Any = FAILURE
    ) -> list[pytest.MarkDecorator]:
        for number, limit in enumerate(self.limits):
            if limit.names(test, item, spec, dtype, ""):
                if proves:
                    self._too_wide[number] = (
                        f"{limit}: takes all cases, so that nothing is proved. fix: name the case, or don't claim it"
                    )
                    continue
                self._met.add(number)
                return [self._expected(limit, expected)]
        return []

    def _case_marks(self, test: str, trial: Trial, case: Case) -> list[pytest.MarkDecorator]:
        if case.kinds is not None and trial.dtype and dt.dtype(trial.dtype).kind not in case.kinds:
            return []
        for number, limit in enumerate(self.limits):
            if limit.names(test, str(trial), trial.spec.id, trial.dtype, case.name):
                self._met.add(number)
                return [self._expected(limit)]
        return self._advisory(case)

    def _advisory(self, case: Case | GraphCase) -> list[pytest.MarkDecorator]:
        if not self._is_advisory(case):
            return []
        reason = f"{ADVISORY}the case came with bank {case.since}; {self.where} names bank {self.case_bank}"
        return [pytest.mark.xfail(reason=reason, strict=False, raises=FAILURE)]

    def _expected(self, limit: Limit, expected: Any = FAILURE) -> pytest.MarkDecorator:
        reason = f"{LIMITED}{limit.reason} (if it passes, remove the limit from {self.where})"
        return pytest.mark.xfail(reason=reason, strict=True, raises=expected)

    def _is_apart(self, trial: Trial, case: Case) -> bool:
        """Whether a case is limited where dtypes are proved, or advisory."""
        return self._is_advisory(case) or any(
            limit.names(test, str(trial), trial.spec.id, trial.dtype, case.name)
            for limit in self.limits
            for test in ("l1_honesty", "l2_numbers")
        )

    def _is_advisory(self, case: Case | GraphCase) -> bool:
        """Whether a case came with the newest bank, and the package was proved with an older one."""
        return bool(case.since) and case.since == CASE_BANKS[-1] > self.case_bank
