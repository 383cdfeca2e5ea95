"""Timing checkpoints: one waiting process a format, in turns, each with a folder of its own on the same disk."""

import shutil
import time
from contextlib import ExitStack
from pathlib import Path

from benchmarks import disk
from benchmarks.drivers.catalogue import LIMIT, OURS
from benchmarks.interleaving import turns
from benchmarks.plan import Plan
from benchmarks.results import DriverResult, WorkloadResult
from benchmarks.steady import recorded
from benchmarks.worker_process import START_SECONDS, CheckpointTask, WorkerProcess
from benchmarks.workloads.checkpoints import Checkpoint

_ROUNDS_OF_MANY = 3  # some take ten seconds each
Processes = dict[str, WorkerProcess]


def measure(result: WorkloadResult, workload: Checkpoint, plan: Plan, scratch: Path) -> None:
    """Fill in `result`: seconds, one sample a round, and memory, of every format that loads the bytes that it saved."""
    result.floor_driver = LIMIT if LIMIT in result.drivers else None
    folder = scratch / workload.name
    needed = len(result.drivers) * plan.checkpoint_bytes * 5 // 4  # a format may save a little more than the tensors
    if disk.free_bytes(scratch) < needed:
        result.drivers[OURS].failed = f"there is no room for {needed:,} bytes in {scratch}: pass --disk"
        return
    waiting = [driver for driver in result.drivers.values() if not driver.skipped and not driver.failed]
    try:
        with ExitStack() as stack:
            processes = {
                driver.driver: stack.enter_context(WorkerProcess(CheckpointTask(driver.driver, workload.name), scratch))
                for driver in waiting
            }
            _load(result, waiting, processes, plan, folder)
            for driver in _running(waiting):
                with recorded(driver):
                    processes[driver.driver].ask("check", timeout_seconds=START_SECONDS)
            rounds = min(plan.checkpoint_rounds, _ROUNDS_OF_MANY) if workload.many else plan.checkpoint_rounds
            _time(waiting, processes, rounds, plan)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _load(result: WorkloadResult, drivers: list[DriverResult], processes: Processes, plan: Plan, folder: Path) -> None:
    """All make their tensors at once; nothing is timed yet."""
    for driver in drivers:
        with recorded(driver):
            processes[driver.driver].begin(
                "load",
                folder=str(folder / driver.driver),
                size_bytes=plan.checkpoint_bytes,
                count=plan.checkpoint_tensors,
            )
    for driver in _running(drivers):
        with recorded(driver):
            reply = processes[driver.driver].finish("load", timeout_seconds=START_SECONDS)
            driver.version, result.payload_bytes = reply["version"], reply["payload_bytes"]


def _time(drivers: list[DriverResult], processes: Processes, rounds: int, plan: Plan) -> None:
    for order in turns(drivers, rounds):
        for driver in _running(order):
            time.sleep(plan.settle_seconds)
            with recorded(driver):
                driver.rounds.append([processes[driver.driver].ask("once", timeout_seconds=START_SECONDS)["seconds"]])
    for driver in _running(drivers):
        with recorded(driver):
            reply = processes[driver.driver].ask("memory")
            driver.peak_bytes, driver.step_bytes = reply["peak_bytes"], reply["extra_bytes"]
            processes[driver.driver].ask("close")


def _running(drivers: list[DriverResult]) -> list[DriverResult]:
    return [driver for driver in drivers if not driver.skipped and not driver.failed]
