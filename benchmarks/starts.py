"""Timing what happens once: imports and first calls, each in a fresh process, frameworks in turns."""

import subprocess
import sys
import time
from pathlib import Path

from benchmarks import environment
from benchmarks.drivers.catalogue import DRIVERS
from benchmarks.interleaving import turns
from benchmarks.plan import Plan
from benchmarks.results import DriverResult, WorkloadResult
from benchmarks.steady import recorded
from benchmarks.worker_process import START_SECONDS, Task, WorkerFailed, WorkerProcess
from benchmarks.workloads.workload import FirstCall, ImportTime


def measure_imports(result: WorkloadResult, workload: ImportTime, plan: Plan, scratch: Path) -> None:
    """Fill in `result` with seconds inside the process, from before the import; a round first fills the page cache."""
    packages: set[str] = set()
    for driver in result.drivers.values():
        package = DRIVERS[driver.driver].package
        if package in packages:
            driver.skipped = driver.skipped or f"the same import of {package} is in another column"
        packages.add(package)
    variables = environment.of_worker(scratch / "caches" / "imports")
    for index, order in enumerate(turns(list(result.drivers.values()), plan.start_rounds + 1)):
        for driver in order:
            if driver.skipped or driver.failed:
                continue
            with recorded(driver):
                seconds = _import_seconds(driver, workload, variables)
                if index > 0:
                    driver.rounds.append([seconds])


def _import_seconds(driver: DriverResult, workload: ImportTime, variables: dict[str, str]) -> float:
    entry = DRIVERS[driver.driver]
    lines = ["import time", "start = time.perf_counter()", f"import {entry.package}"]
    lines += [entry.first_result] if workload.first_result else [f"{entry.package}.{name}" for name in entry.lazy_names]
    lines.append("print('seconds', time.perf_counter() - start)")
    command = [sys.executable, "-c", "\n".join(lines)]
    run = subprocess.run(command, env=variables, capture_output=True, text=True, timeout=START_SECONDS)
    if run.returncode:
        raise WorkerFailed((run.stderr.strip().splitlines() or ["no message"])[-1])
    return float(run.stdout.split()[-1])


def measure_first_calls(result: WorkloadResult, workload: FirstCall, plan: Plan, scratch: Path) -> None:
    """Fill in `result` with the seconds of the first step; every round has caches of its own."""
    for index, order in enumerate(turns(list(result.drivers.values()), plan.start_rounds)):
        for driver in order:
            if driver.skipped or driver.failed:
                continue
            folder = scratch / f"first-call-{workload.training.name}-{index}-{driver.driver}"  # g++ takes no spaces
            with recorded(driver):
                if workload.cached and not folder.exists():
                    _first_call_seconds(driver, workload, plan, folder)
                driver.rounds.append([_first_call_seconds(driver, workload, plan, folder)])


def _first_call_seconds(driver: DriverResult, workload: FirstCall, plan: Plan, folder: Path) -> float:
    time.sleep(plan.settle_seconds)
    with WorkerProcess(Task(driver.driver, workload.training.name), folder) as process:
        driver.version = process.ask("load", timeout_seconds=START_SECONDS)["version"]
        reply = process.ask("start", timeout_seconds=START_SECONDS)
    seconds: float = reply["first_call_seconds"]
    driver.first_call_seconds = seconds
    driver.first_call_import_seconds = reply["first_call_import_seconds"]
    return seconds
