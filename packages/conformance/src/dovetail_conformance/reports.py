"""What became of the tests of a package: as values, in numbers, and as JSON for machines."""

from __future__ import annotations

import platform
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from dovetail_protocols import compilers, devices, kernels

from .case_bank import CASE_BANK
from .speed import environment

PROTOCOLS = {"kernels": kernels.PROTOCOL, "compilers": compilers.PROTOCOL, "devices": devices.PROTOCOL}
"""The versions of the protocols against which plug-ins are proved."""
SCHEMA = 1
"""The version of the JSON form. Within it members are only added."""
OUTCOMES = ("passed", "failed", "skipped", "limited", "advisory")
"""What can become of a test. "limited": it failed, as the file of limits says; "advisory": it failed on a case that is
newer than the bank that the file of limits names."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """One test: its suite's role, its level ("L2", or "" in suites without levels), its name, its outcome, and why;
    at level L6 what was measured, as `dovetail_conformance.speed.as_json` gives it."""

    role: str
    level: str
    test: str
    outcome: str
    reason: str
    seconds: float
    speed: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """All tests of a package.

    `distributions` are those that offer it, and those of the kit, with their versions; `case_bank` is the bank's date,
    `pinned_case_bank` the one that the file of limits names. `untried`: roles for which there is no suite. `broken`:
    why the tests ended before their end, or "".
    """

    name: str
    roles: tuple[str, ...]
    tests: tuple[Verdict, ...]
    distributions: Mapping[str, str]
    case_bank: str = CASE_BANK
    pinned_case_bank: str = CASE_BANK
    untried: tuple[str, ...] = ()
    broken: str = ""

    @property
    def failures(self) -> tuple[Verdict, ...]:
        return tuple(test for test in self.tests if test.outcome == "failed")

    @property
    def measured(self) -> tuple[Verdict, ...]:
        return tuple(test for test in self.tests if test.speed is not None)

    @property
    def conforms(self) -> bool:
        """Whether tests passed, none failed, and all came to their end."""
        return not self.broken and not self.failures and any(test.outcome == "passed" for test in self.tests)

    def summary(self) -> list[tuple[str, str, dict[str, int]]]:
        """Role, level, and how many tests had which outcome, in the order of the roles, then of the levels."""
        counts: dict[tuple[str, str], dict[str, int]] = {}
        for test in sorted(self.tests, key=lambda test: (self.roles.index(test.role), test.level)):
            row = counts.setdefault((test.role, test.level), dict.fromkeys(OUTCOMES, 0))
            row[test.outcome] += 1
        return [(role, level, row) for (role, level), row in counts.items()]

    def as_json(self) -> dict[str, Any]:
        """All of it, made of JSON's types; docs/protocols/conformance.md describes it."""
        return {
            "schema": SCHEMA,
            "package": self.name,
            "conforms": self.conforms,
            "broken": self.broken,
            "roles": list(self.roles),
            "untried": list(self.untried),
            "distributions": dict(self.distributions),
            "protocols": {role: list(version) for role, version in PROTOCOLS.items()},
            "case_bank": self.case_bank,
            "pinned_case_bank": self.pinned_case_bank,
            "python": platform.python_version(),
            "platform": f"{platform.system()} {platform.machine()}",
            "environment": environment() if self.measured else None,
            "summary": [{"role": role, "level": level, **row} for role, level, row in self.summary()],
            "tests": [asdict(test) for test in self.tests],
        }


def verdict_of(event: Mapping[str, Any]) -> Verdict:
    """A test from an event of the record: its suite's class is named as its role."""
    suite, _, test = event["test"].partition("::")
    name = test.removeprefix("test_")
    level = re.match(r"l(\d)_", name)
    return Verdict(
        suite.removeprefix("Test_"),
        f"L{level[1]}" if level else "",
        name,
        event["outcome"],
        event["reason"],
        event["seconds"],
        event["speed"],
    )


def versions(names: Iterable[str]) -> dict[str, str]:
    """The versions of the distributions that are installed, of those named."""
    found = {}
    for name in names:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
