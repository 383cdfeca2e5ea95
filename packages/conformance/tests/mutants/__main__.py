"""Runs the suites of one role's mutants, `python -m mutants kernels`, and tells which were not caught, or not let pass.

A process for each role: the mutants of one must not be found by the suites of another.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from . import Mutant, mutants_of

MODULE = """
import pytest

from mutants import mutants_of


def made(mutant):
    try:
        suite = mutant.suite()
        if not mutant.is_honest and "l0_loads" not in mutant.caught_by:
            suite.test_l0_loads = None  # a fresh process, which says nothing of other faults, takes most of the time
        return suite
    except Exception as error:
        problem = f"{type(error).__name__}: {error}"

        class Unmade:
            def test_suite_is_made(self):
                pytest.fail(problem, pytrace=False)

        return Unmade


globals().update((f"Test_{mutant.name}", made(mutant)) for mutant in mutants_of(ROLE))
"""


class Outcomes:
    """A pytest plug-in that notes the tests that failed and those that passed, by mutant."""

    def __init__(self) -> None:
        self.failed: dict[str, dict[str, str]] = {}
        self.passed: set[str] = set()
        self.broken: list[str] = []

    def pytest_runtest_logreport(self, report: Any) -> None:
        _, suite, test = report.nodeid.split("::", 2)
        name = suite.removeprefix("Test_")
        if report.failed:
            kind = test.partition("[")[0].removeprefix("test_")
            self.failed.setdefault(name, {}).setdefault(kind, f"{test}: {report.longreprtext}")
        elif report.passed and report.when == "call":
            self.passed.add(name)

    def pytest_collectreport(self, report: Any) -> None:
        if report.failed:
            self.broken.append(report.longreprtext)


def install(folder: Path, mutants: Sequence[Mutant]) -> None:
    """Puts every mutant into a folder, as one distribution with their entry points."""
    groups: dict[str, list[str]] = {}
    for mutant in mutants:
        for name, source in mutant.files.items():
            (folder / name).write_text(source, encoding="utf-8")
        for group, target in mutant.entry_points.items():
            groups.setdefault(group, []).append(target if "=" in target else f"{mutant.name} = {target}")
    metadata = folder / "mutants-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: mutants\nVersion: 1.0\n")
    text = "\n".join("\n".join([f"[{group}]", *lines, ""]) for group, lines in groups.items())
    (metadata / "entry_points.txt").write_text(text)


def outcomes(role: str, folder: Path) -> Outcomes:
    """What became of the tests of all suites of a role."""
    site, module = folder / "site", folder / "test_suites.py"
    site.mkdir()
    install(site, mutants_of(role))
    sys.path.insert(0, str(site))
    module.write_text(MODULE.replace("ROLE", repr(role)), encoding="utf-8")
    (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")  # else one above the folder would count
    found = Outcomes()
    options = ["-p", "no:cacheprovider", "-p", "no:terminal", f"--rootdir={folder}"]
    status = pytest.main([*options, str(module)], plugins=[found])
    if status not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        found.broken.append(f"pytest ended with {status!r}")
    return found


def problems(mutants: Sequence[Mutant], found: Outcomes) -> list[str]:
    """Mutants that were not caught at their level, and honest ones that were not let pass."""
    texts = list(found.broken)
    for mutant in mutants:
        failed = found.failed.get(mutant.name, {})
        if mutant.is_honest and mutant.name not in found.passed:
            texts.append(f"{mutant.name} is honest, but no test of it passed")
        for test in sorted(mutant.caught_by - set(failed)):
            others = f"; caught by {', '.join(sorted(failed))}" if failed else ""
            texts.append(f"{mutant.name} ({mutant.what}) is not caught by {test}{others}")
        if mutant.is_honest or mutant.nothing_else:
            surplus = [text for test, text in failed.items() if test not in mutant.caught_by]
            texts += [f"{mutant.name} fails a test that it should pass: {text}" for text in surplus]
    return texts


def main(role: str) -> int:
    with tempfile.TemporaryDirectory() as folder:
        mutants = mutants_of(role)
        found = problems(mutants, outcomes(role, Path(folder)))
    print("\n".join(found) or f"{len(mutants)} mutants of {role} are caught at their level, or let pass")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
