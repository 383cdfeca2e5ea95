"""A pytest class whose tests are derived from what a kernel package declares."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from dovetail_protocols import selection
from dovetail_protocols.devices import find_device
from dovetail_protocols.errors import DeviceError, KernelNotFoundError
from dovetail_protocols.kernels import KernelSpec
from dovetail_protocols.operation import Operation
from dovetail_protocols.registry import find_operation

from .calls import Trial, trials_of
from .case_bank import cases_of
from .cases import Case
from .checks import contract, gradients, honesty, load, numbers, speed
from .limits import Limits
from .limits_file import read_limits
from .speed import line as speed_line


def kernel_suite(
    name: str,
    *,
    cases: Mapping[str, Sequence[Case]] | None = None,
    dtypes: Collection[str] | None = None,
    limits: str | Path | Limits | None = None,
    measure_speed: bool = False,
) -> type:
    """A test class that proves the kernel package `name`, to be bound to a name beginning with Test in a test module.

    Its tests are the package's declared kernels times their dtypes, on the calls of the case bank; see
    docs/protocols/conformance.md for the levels. `cases` adds calls by the operation's name ("acme::attention"): they
    are needed for operations of one's own, and go beside the bank's for the standard's. `limits` names a file of what
    is known to fail, and why, beside the file that calls this; see limits_file.py. `measure_speed` adds level L6: each
    kernel is timed in each dtype. `dtypes` makes a run shorter, which then proves less: each type variable of a kernel
    is tried in those of its dtypes that are named, or where none is in its first.

    Raises: PluginError where the package isn't installed, is broken, or can't be used on this machine. LimitsError.
    """
    known = read_limits(limits)
    package = selection.require_package(name)
    added = {key if "::" in key else f"dovetail::{key}": tuple(value) for key, value in (cases or {}).items()}
    declared = [(spec, find_operation(spec.operation)) for spec in package.specs]
    trials = [
        trial
        for spec, operation in declared
        if _device_problem(spec.device) is None
        for trial in _chosen(trials_of(spec, operation, (*cases_of(operation), *added.get(operation.name, ()))), dtypes)
    ]
    return _suite(name, declared, trials, added, known, measure_speed)


def _chosen(trials: Iterable[Trial], dtypes: Collection[str] | None) -> list[Trial]:
    """The trials in the given dtypes; for a type variable that has none of them, the first."""
    if dtypes is None:
        return list(trials)
    by_variable: dict[str, list[Trial]] = {}
    for trial in trials:
        by_variable.setdefault(trial.variable, []).append(trial)
    return [
        trial for group in by_variable.values() for trial in [one for one in group if one.dtype in dtypes] or group[:1]
    ]


def _suite(
    name: str,
    declared: list[tuple[KernelSpec, Operation]],
    trials: list[Trial],
    added: Mapping[str, Sequence[Case]],
    limits: Limits,
    timed: bool,
) -> type:
    class KernelSuite:
        """Levels L0 to L4 for one kernel package."""

        @limits.each()
        def test_l0_loads(self) -> None:
            report(load.problems(name))

        def test_l0_something_is_declared(self) -> None:
            report([] if trials else [f"kernel package {name!r} declares nothing that this suite can try"])

        def test_l0_every_kernel_is_tried(self) -> None:
            report(
                [
                    f"{spec.id} is not proved: {_device_problem(spec.device)}"
                    for spec, _ in declared
                    if _device_problem(spec.device) is not None
                ]
            )

        def test_l0_added_cases_are_used(self) -> None:
            known = {operation.name for _, operation in declared}
            report([f"cases are given for {key}, which {name!r} doesn't declare" for key in added if key not in known])

        def test_l0_limits_are_current(self) -> None:
            report(limits.problems())

        def test_l1_declarations(self) -> None:
            report([text for spec, operation in declared for text in honesty.declaration_problems(spec, operation)])

        @limits.proving(trials)
        def test_l1_proved(self, trial: Trial) -> None:
            report(honesty.proof_problems(trial))

        @limits.trials("l1_honesty", trials)
        def test_l1_honesty(self, trial: Trial) -> None:
            report(honesty.problems(trial))

        @limits.trials("l2_numbers", trials)
        def test_l2_numbers(self, trial: Trial) -> None:
            report(numbers.problems(trial))

        @limits.trials("l3_contract", trials)
        def test_l3_contract(self, trial: Trial) -> None:
            report(contract.problems(trial))

        @limits.trials("l4_gradients", [trial for trial in trials if _takes_gradients(trial)])
        def test_l4_gradients(self, trial: Trial) -> None:
            chosen: Any = gradients.differentiator()
            if chosen is None:
                pytest.skip("no package that differentiates, or no tensor package, is installed")
            try:
                report(gradients.problems(trial, name, chosen))
            except KernelNotFoundError as error:
                if trial.spec.device == "cpu":
                    raise
                pytest.skip(f"what gradients are made of can't run: {error.what}")

        if timed:

            @pytest.mark.parametrize("trial", trials, ids=str)
            def test_l6_speed(self, trial: Trial, record_property: Callable[[str, object], None]) -> None:
                record_speed(trial, name, record_property)

    return KernelSuite


def _takes_gradients(trial: Trial) -> bool:
    """One choice of dtypes for each kernel: float64 for T where claimed, for finite differences need its digits."""
    return trial.variable == "T" and trial.dtype == "float64" and any(case.smooth for case in trial.cases)


def _device_problem(kind: str) -> str | None:
    """Why a kind of device can't be used on this machine, or None."""
    try:
        find_device(kind)
    except DeviceError as error:
        return f"{error.what}: {error.cause}" if error.cause else error.what
    return None


def record_speed(trial: Trial, package: str, record_property: Callable[[str, object], None]) -> None:
    """Times a trial's operation, prints a line, and records it all as the test's property "speed". Skips what it can't
    time, with the reason; never fails for slowness."""
    measured = speed.report(trial, package)
    if isinstance(measured, str):
        pytest.skip(measured)
    print(speed_line(measured))
    record_property("speed", measured)


def report(problems: list[str]) -> None:
    """Fails the test with all that was found, the first ten in full."""
    if problems:
        more = f"\n… and {len(problems) - 10} more" if len(problems) > 10 else ""
        pytest.fail("\n".join(problems[:10]) + more, pytrace=False)
