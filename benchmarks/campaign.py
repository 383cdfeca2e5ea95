"""A whole run: every workload of a plan, one after the other."""

import importlib.util
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from benchmarks import checkpoints, discovery, disk, environment, machine, starts, steady
from benchmarks.drivers.catalogue import DRIVERS, LIMIT, OURS, UNVERIFIED
from benchmarks.neighbors import Neighbors
from benchmarks.plan import Plan
from benchmarks.results import DriverResult, Limits, Report, WorkloadResult
from benchmarks.workloads.checkpoints import Action, Checkpoint
from benchmarks.workloads.registry import WORKLOADS
from benchmarks.workloads.workload import CompiledCall, Discovery, EagerCall, FirstCall, ImportTime, Workload, work_of


def run(plan: Plan, scratch: Path, announce: Callable[[str], None]) -> Report:
    """Measure everything in `plan`; `announce` is told what is being done. Files go under `scratch`."""
    announce("measuring the machine")
    variables = environment.of_worker(scratch / "caches" / "machine")
    limits = machine.measure(variables)
    results = []
    for position, name in enumerate(plan.workloads, start=1):
        announce(f"{position}/{len(plan.workloads)} {name}")
        start, neighbors = time.perf_counter(), Neighbors()
        results.append(_measure(name, plan, scratch))
        results[-1].neighbors = neighbors.share()
        announce(f"    {_one_line(results[-1])} ({time.perf_counter() - start:.0f} s)")
    limits = _set_floors(results, machine.better(limits, machine.measure(variables)))
    description = machine.describe() | {"disk": disk.file_system(scratch)}
    return Report(description, asdict(plan), limits, results)


def _measure(name: str, plan: Plan, scratch: Path) -> WorkloadResult:
    workload = WORKLOADS[name]
    names = _taking_part(workload, plan)
    result = WorkloadResult(name, workload.title, {driver: _admit(driver) for driver in names})
    if LIMIT in names:
        result.floor_driver = LIMIT
    if isinstance(workload, ImportTime | EagerCall):
        result.floor_driver = "numpy"  # Dovetail imports NumPy and calls it, so it cannot be faster
    if isinstance(workload, CompiledCall | FirstCall):
        _skip_interpreters(result)
    match workload:
        case Checkpoint():
            checkpoints.measure(result, workload, plan, scratch)
        case ImportTime():
            starts.measure_imports(result, workload, plan, scratch)
        case Discovery():
            discovery.measure(result, workload, plan, scratch)
        case FirstCall():
            starts.measure_first_calls(result, workload, plan, scratch)
        case _:
            steady.measure(result, plan, scratch)
    return result


def _taking_part(workload: Workload, plan: Plan) -> list[str]:
    if isinstance(workload, Discovery):
        return [OURS]  # plug-ins of others are not found by these means
    if isinstance(workload, Checkpoint):
        names = [driver for driver in plan.drivers if DRIVERS[driver].checkpoints and driver != UNVERIFIED]
        if workload.action in (Action.LOAD, Action.LOAD_COLD):
            names.insert(names.index(OURS) + 1, UNVERIFIED)
        return names
    computing = [driver for driver in plan.drivers if DRIVERS[driver].implementation]
    return [driver for driver in computing if driver != LIMIT or work_of(workload) is not None]


def _admit(name: str) -> DriverResult:
    """An empty result, with the reason where the framework is missing: ours may not be."""
    package = DRIVERS[name].package
    if _is_installed(package):
        return DriverResult(name)
    reason = f"{package} is not installed"
    return DriverResult(name, failed=reason) if name == OURS else DriverResult(name, skipped=reason)


def _is_installed(package: str) -> bool:
    try:
        return importlib.util.find_spec(package) is not None
    except ModuleNotFoundError:  # what a dotted name is in
        return False


def _skip_interpreters(result: WorkloadResult) -> None:
    for driver in result.drivers.values():
        if not DRIVERS[driver.driver].compiled:
            driver.skipped = driver.skipped or "it compiles nothing"


def _set_floors(results: list[WorkloadResult], limits: Limits) -> Limits:
    """Set every result's floor, and give the limits that they follow from."""
    limits = machine.with_products(limits, results)
    for result in results:
        work = work_of(WORKLOADS[result.workload])
        if work is not None:
            result.floor_seconds = machine.floor_seconds(work, limits)
    return limits


def _one_line(result: WorkloadResult) -> str:
    return ", ".join(
        f"{name} {driver.seconds:.3g} s" if driver.seconds else f"{name} {'failed' if driver.failed else '–'}"
        for name, driver in result.drivers.items()
    )
