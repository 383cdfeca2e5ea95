"""What is measured of finding plug-ins is what happens, and an import of Dovetail looks at none of them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from benchmarks import discovery
from benchmarks.drivers.catalogue import OURS
from benchmarks.plan import Plan
from benchmarks.results import DriverResult, WorkloadResult
from benchmarks.targets import Goal, Measure, Target
from benchmarks.verdicts import verdicts
from benchmarks.workloads.overheads import DISCOVERIES

TOUCHED = """
import sys
sys.path.append({site!r})
touched = []
sys.addaudithook(lambda event, facts: touched.append(str(facts[0])) if event in ("open", "os.scandir") else None)
import dovetail
assert dovetail.__all__
at_import = [path for path in touched if path.startswith({site!r}) or path.endswith("entry_points.txt")]
dovetail.constant([1.0]) + 1.0
in_use = {{path for path in touched if path.startswith({site!r}) and "made_up_0" in path}}
print(at_import, len(in_use) > 0)
"""


def test_importing_dovetail_looks_at_no_distribution_and_computing_does(tmp_path: Path) -> None:
    discovery.install(tmp_path)
    program = TOUCHED.format(site=str(tmp_path))
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", program], capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.stderr) == ("[] True", "")


def test_every_discovery_is_timed_with_and_without_the_distributions(tmp_path: Path) -> None:
    for workload in DISCOVERIES:
        result = WorkloadResult(workload.name, workload.title, {OURS: DriverResult(OURS)})
        discovery.measure(result, workload, Plan((), (OURS,), start_rounds=0), tmp_path)
        assert result.drivers[OURS].failed is None


def test_a_check_that_fails_fails_the_workload(tmp_path: Path) -> None:
    (import_only, *_) = DISCOVERIES
    wrong = type(import_only)("wrong", "wrong", "import dovetail", check="assert False, 'not seen'")
    result = WorkloadResult("wrong", "wrong", {OURS: DriverResult(OURS)})
    discovery.measure(result, wrong, Plan((), (OURS,), start_rounds=0), tmp_path)
    assert result.drivers[OURS].failed == "AssertionError: not seen"


def test_what_is_added_is_judged_by_the_median_of_the_differences() -> None:
    target = Target("added", ("import",), Goal(Measure.ADDED, 1e-3), Goal(Measure.ADDED, 1e-4))
    result = WorkloadResult("import", "import", {OURS: DriverResult(OURS, [[0.1]])})
    for differences, text in (
        ([-0.002, 0.00005, 0.1], "aim met"),
        ([0.0005], "must met"),
        ([0.0015, 0.0015], "MISSED by 50.0%"),
        ([], "not measured"),
    ):
        result.added_seconds = differences
        (verdict,) = verdicts([result], [target])
        assert verdict.text == text
