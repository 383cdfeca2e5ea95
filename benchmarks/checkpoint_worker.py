"""A measuring process for checkpoints: one format and one action, obeying one-line JSON commands from its parent.

`python -m benchmarks.checkpoint_worker DRIVER WORKLOAD`. It takes its turns as `benchmarks.worker` does.
"""

import gc
import importlib
import os
import statistics
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import disk, memory
from benchmarks.drivers.catalogue import DRIVERS, LIMIT
from benchmarks.drivers.checkpoint_session import CheckpointSession
from benchmarks.worker import attend
from benchmarks.workloads.checkpoints import Action, Checkpoint, differing, size_of
from benchmarks.workloads.registry import WORKLOADS
from benchmarks.workloads.workload import Arrays

_LEAST_STEPS = 5
_STEP_SIZE = 512  # of the matrices that a step multiplies


class OtherBytes(Exception):
    """What was loaded is not what was saved."""


class CheckpointWorker:
    """The state between commands. Each public method is a command; its arguments and its reply are JSON objects."""

    def __init__(self, driver: str, workload: str) -> None:
        self._driver = DRIVERS[driver]
        found = WORKLOADS[workload]
        assert isinstance(found, Checkpoint), f"{workload} is no checkpoint"
        self._workload = found
        self._arrays: Arrays = {}
        self._folder = Path()
        self._session: CheckpointSession | None = None
        self._extra_bytes: list[int] = []

    def load(self, folder: str, size_bytes: int, count: int) -> dict[str, Any]:
        """Import the format's package and make the tensors; checkpoints go to `folder`."""
        package = importlib.import_module(self._driver.package)
        self._folder = Path(folder)
        self._arrays = self._workload.arrays(size_bytes, count)
        implementation = importlib.import_module(self._driver.checkpoints)
        self._session = implementation.prepare(self._arrays)
        version = str(getattr(package, "__version__", "unknown"))
        return {"version": version, "payload_bytes": size_of(self._arrays)}

    def check(self) -> dict[str, Any]:
        """Save once and compare what is then loaded, to the bit. It also imports and warms what there is to.

        Raises:
            OtherBytes: A tensor differs.
        """
        disk.empty(self._folder)
        action, session = self._workload.action, self._running
        if action in (Action.ASYNC, Action.ASYNC_STEP):
            session.save_in_background(self._folder)()
        else:
            session.save(self._folder, durable=action is not Action.SAVE_UNSYNCED)
        if self._driver.name == LIMIT and action in (Action.ASYNC, Action.ASYNC_STEP):
            return {}  # it copies, and saves nothing
        wrong = differing(*self._found_and_expected())
        if wrong is not None:
            raise OtherBytes(f"{wrong} was loaded with other bytes than it was saved with")
        return {}

    def once(self) -> dict[str, Any]:
        """Do what is timed once: its seconds."""
        match self._workload.action:
            case Action.SAVE | Action.SAVE_UNSYNCED as action:
                seconds = self._save(durable=action is Action.SAVE)
            case Action.LOAD | Action.LOAD_COLD | Action.LOAD_USED as action:
                seconds = self._load(action)
            case Action.OPEN:
                name = self._one_name()
                seconds = self._timed(lambda: self._running.open_one(self._folder, name))
            case Action.ASYNC | Action.ASYNC_STEP as action:
                seconds = self._save_in_background(steps=action is Action.ASYNC_STEP)
        return {"seconds": seconds}

    def memory(self) -> dict[str, Any]:
        """The most that was resident beyond what was there before and the tensors that were loaded."""
        return {"peak_bytes": memory.peak_bytes(), "extra_bytes": max(self._extra_bytes, default=None)}

    def close(self) -> dict[str, Any]:
        """End what the format started."""
        self._running.close()
        return {}

    @property
    def _running(self) -> CheckpointSession:
        assert self._session is not None, "the first command is `load`"
        return self._session

    def _one_name(self) -> str:
        names = list(self._arrays)
        return names[len(names) // 2]

    def _found_and_expected(self) -> tuple[Arrays, Arrays]:
        session = self._running
        if self._workload.action is Action.OPEN:
            name = self._one_name()
            return {name: session.open_one(self._folder, name)}, {name: self._arrays[name]}
        load = session.map if self._workload.action is Action.LOAD_USED else session.load
        return session.to_numpy(load(self._folder)), self._arrays

    def _save(self, *, durable: bool) -> float:
        self._prepare_folder()
        seconds = self._timed(lambda: self._running.save(self._folder, durable=durable))
        disk.empty(self._folder)  # at once, so that what wasn't written yet needs no writing
        return seconds

    def _load(self, action: Action) -> float:
        if action is Action.LOAD_COLD:
            os.sync()
            disk.forget(self._folder)
        use = _load_and_touch if action is Action.LOAD_USED else _load_only
        return self._timed(lambda: use(self._running, self._folder), payload_bytes=size_of(self._arrays))

    def _save_in_background(self, *, steps: bool) -> float:
        self._prepare_folder()
        waits: list[Callable[[], object]] = []
        seconds = self._timed(lambda: waits.append(self._running.save_in_background(self._folder)))
        if steps:
            seconds = _step_seconds(waits[0])
        else:
            waits[0]()
        disk.empty(self._folder)
        return seconds

    def _prepare_folder(self) -> None:
        disk.empty(self._folder)
        os.sync()  # nobody pays for what another one left unwritten

    def _timed(self, action: Callable[[], object], payload_bytes: int = 0) -> float:
        memory.release()
        before = memory.resident() if memory.reset_peak() else None
        start = time.perf_counter()
        result = action()
        seconds = time.perf_counter() - start
        after = memory.resident()
        if before is not None and after is not None:
            self._extra_bytes.append(after.peak_bytes - before.bytes - payload_bytes)
        del result
        gc.collect()
        return seconds


def _load_only(session: CheckpointSession, folder: Path) -> object:
    return session.load(folder)


def _load_and_touch(session: CheckpointSession, folder: Path) -> object:
    arrays = session.to_numpy(session.map(folder))
    for array in arrays.values():
        array.reshape(-1).view(np.uint8).max()
    return arrays


def _step_seconds(wait: Callable[[], object]) -> float:
    """The median time of a step, of those begun until `wait` returned."""
    weights = np.full((_STEP_SIZE, _STEP_SIZE), 1 / _STEP_SIZE, np.float32)
    state, times = weights, []
    waiting = threading.Thread(target=wait)
    waiting.start()
    while waiting.is_alive() or len(times) < _LEAST_STEPS:
        start = time.perf_counter()
        for _ in range(4):
            state = state @ weights
        times.append(time.perf_counter() - start)
    waiting.join()
    return statistics.median(times)


if __name__ == "__main__":
    attend(lambda: CheckpointWorker(*sys.argv[1:]))
