"""Timing a workload that runs again and again: one waiting process a framework, in turns."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks import agreement, references
from benchmarks.drivers.catalogue import LIMIT, REFERENCES
from benchmarks.interleaving import turns
from benchmarks.plan import Plan
from benchmarks.results import DriverResult, WorkloadResult
from benchmarks.sampling import SAMPLES_PER_TURN
from benchmarks.worker_process import START_SECONDS, Task, WorkerFailed, WorkerProcess, WorkerSkipped
from benchmarks.workloads.registry import WORKLOADS
from benchmarks.workloads.workload import Training


@contextmanager
def recorded(result: DriverResult) -> Iterator[None]:
    """Put down in `result` why a process gave nothing; the others go on."""
    try:
        yield
    except WorkerSkipped as reason:
        result.skipped = str(reason)
    except WorkerFailed as reason:
        result.failed = str(reason)


def measure(result: WorkloadResult, plan: Plan, scratch: Path) -> None:
    """Fill in `result`: times, peak memory, and errors against float64.

    Every framework with no reason against it yet takes part.
    """
    workload = WORKLOADS[result.workload]
    result.kinks = isinstance(workload, Training) and workload.kinks
    waiting = [driver for driver in result.drivers.values() if not driver.skipped and not driver.failed]
    with ExitStack() as stack:
        processes = {
            driver.driver: stack.enter_context(WorkerProcess(Task(driver.driver, result.workload), scratch))
            for driver in waiting
        }
        _load(waiting, processes)
        for driver in _running(waiting):
            _start(driver, processes[driver.driver], plan)
        _time(waiting, processes, plan)
        if LIMIT in processes:
            processes[LIMIT].kill()
        _compare(result, _running(waiting), processes, plan, scratch)


def _load(drivers: list[DriverResult], processes: dict[str, WorkerProcess]) -> None:
    """Importing and making data take most of a short run, so all do it at once; nothing is timed yet."""
    for driver in drivers:
        with recorded(driver):
            processes[driver.driver].begin("load")
    for driver in _running(drivers):
        with recorded(driver):
            driver.version = processes[driver.driver].finish("load", timeout_seconds=START_SECONDS)["version"]


def _start(driver: DriverResult, process: WorkerProcess, plan: Plan) -> None:
    with recorded(driver):
        reply = process.ask("start", timeout_seconds=START_SECONDS)
        driver.first_call_seconds = reply["first_call_seconds"]
        driver.first_call_import_seconds = reply["first_call_import_seconds"]
        if driver.driver != LIMIT and (steps := curve_steps(process.task.workload, plan)):
            driver.losses = process.ask("curve", steps=steps)["losses"]
        process.ask("calibrate", sample_seconds=plan.turn_seconds / SAMPLES_PER_TURN)


def curve_steps(workload_name: str, plan: Plan) -> int:
    """How many losses are compared; none where there is no loss."""
    workload = WORKLOADS[workload_name]
    if not isinstance(workload, Training):
        return 0
    return plan.curve_steps or workload.curve_steps


def _running(drivers: list[DriverResult]) -> list[DriverResult]:
    return [driver for driver in drivers if not driver.skipped and not driver.failed]


def _time(drivers: list[DriverResult], processes: dict[str, WorkerProcess], plan: Plan) -> None:
    for order in turns(drivers, plan.rounds):
        for driver in _running(order):
            time.sleep(plan.settle_seconds)
            with recorded(driver):
                driver.rounds.append(processes[driver.driver].ask("turn", seconds=plan.turn_seconds)["samples"])
    for driver in _running(drivers):
        if driver.driver == LIMIT:
            continue
        with recorded(driver):
            reply = processes[driver.driver].ask("memory")
            driver.peak_bytes, driver.step_bytes = reply["peak_bytes"], reply["step_bytes"]
            driver.first_step_bytes = reply["first_step_bytes"]


def _compare(
    result: WorkloadResult,
    drivers: list[DriverResult],
    processes: dict[str, WorkerProcess],
    plan: Plan,
    scratch: Path,
) -> None:
    """Set the errors of each framework's results; leave them None where there is no reference."""
    path = scratch / f"{result.workload}-reference.npz"
    losses: list[float] = []
    workload = WORKLOADS[result.workload]
    if references.has_numpy_form(workload):
        references.save(path, references.from_numpy(workload))
        result.reference = "NumPy float64"
    else:
        losses = _run_reference(result, path, plan, scratch)
    if result.reference is None:
        return
    for driver in drivers:
        if driver.driver == LIMIT:
            continue
        with recorded(driver):
            reply = processes[driver.driver].ask("check", timeout_seconds=START_SECONDS, path=str(path))
            driver.evidence_error = reply["error"]
        processes[driver.driver].kill()  # before the next one takes memory for its fresh session
        if losses:
            driver.curve_error = agreement.curve_error(driver.losses, losses)
    path.unlink()


def _run_reference(result: WorkloadResult, path: Path, plan: Plan, scratch: Path) -> list[float]:
    """Write the evidence of a float64 run and give its losses; `result.reference` says whose it is."""
    for name in REFERENCES:
        if name not in result.drivers or result.drivers[name].failed or result.drivers[name].skipped:
            continue
        reference = DriverResult(name)
        losses: list[float] = []
        with recorded(reference), WorkerProcess(Task(name, result.workload, "float64"), scratch) as process:
            process.ask("load", timeout_seconds=START_SECONDS)
            process.ask("start", timeout_seconds=START_SECONDS)
            if steps := curve_steps(result.workload, plan):
                losses = process.ask("curve", steps=steps)["losses"]
            process.ask("save_evidence", path=str(path))
            result.reference = f"{name} float64"
            return losses
    return []
