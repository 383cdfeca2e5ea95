"""A whole run: every workload of a plan, one after the other."""

import importlib.util
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from benchmarks import machine, starts, steady, threads
from benchmarks.drivers.catalogue import DRIVERS, OURS
from benchmarks.plan import Plan
from benchmarks.results import DriverResult, Limits, Report, WorkloadResult
from benchmarks.workloads.registry import WORKLOADS
from benchmarks.workloads.workload import (
    EagerCall,
    Expression,
    FirstCall,
    ImportTime,
    Inference,
    Training,
    Update,
)


def run(plan: Plan, scratch: Path, announce: Callable[[str], None]) -> Report:
    """Measure everything in `plan`; `announce` is told what is being done. Files go under `scratch`."""
    announce("measuring the machine")
    environment = threads.environment(scratch / "caches" / "machine")
    limits = machine.measure(environment)
    results = []
    for position, name in enumerate(plan.workloads, start=1):
        announce(f"{position}/{len(plan.workloads)} {name}")
        start = time.perf_counter()
        results.append(_measure(name, plan, scratch))
        announce(f"    {_one_line(results[-1])} ({time.perf_counter() - start:.0f} s)")
    limits = _set_floors(results, machine.better(limits, machine.measure(environment)))
    return Report(machine.describe(), asdict(plan), limits, results)


def _measure(name: str, plan: Plan, scratch: Path) -> WorkloadResult:
    workload = WORKLOADS[name]
    result = WorkloadResult(name, workload.title, {driver: _admit(driver) for driver in plan.drivers})
    if isinstance(workload, ImportTime | EagerCall):
        result.floor_driver = "numpy"  # Dovetail imports NumPy and calls it, so it cannot be faster
    match workload:
        case ImportTime():
            starts.measure_imports(result, workload, plan, scratch)
        case FirstCall():
            starts.measure_first_calls(result, workload, plan, scratch)
        case _:
            steady.measure(result, plan, scratch)
    return result


def _admit(name: str) -> DriverResult:
    """An empty result, with the reason where the framework is missing: ours may not be."""
    package = DRIVERS[name].package
    if importlib.util.find_spec(package) is not None:
        return DriverResult(name)
    reason = f"{package} is not installed"
    return DriverResult(name, failed=reason) if name == OURS else DriverResult(name, skipped=reason)


def _set_floors(results: list[WorkloadResult], limits: Limits) -> Limits:
    """Set every result's floor, and give the limits that they follow from."""
    for result in results:
        if result.workload == "sgemm":
            limits = machine.with_products(limits, result.drivers.values())
    for result in results:
        workload = WORKLOADS[result.workload]
        if isinstance(workload, Training | Inference | Expression | Update):
            result.floor_seconds = machine.floor_seconds(workload.work, limits)
    return limits


def _one_line(result: WorkloadResult) -> str:
    return ", ".join(
        f"{name} {driver.seconds:.3g} s" if driver.seconds else f"{name} {'failed' if driver.failed else '–'}"
        for name, driver in result.drivers.items()
    )
