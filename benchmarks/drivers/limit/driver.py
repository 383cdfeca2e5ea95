"""A session that takes the least time in which this machine can do a workload's work.

It takes turns with the frameworks, so that a share of the limit is as free of the machine's drift as a ratio is.
"""

import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from benchmarks.drivers.session import Mode, NotApplicable, Session
from benchmarks.native_loops import ALIGNMENT_BYTES, STREAM_STEP, NativeLoops
from benchmarks.workloads.workload import Array, Arrays, Traffic, Work, Workload, work_of

StreamFunction = Callable[[int, int], None]

_TRIALS = 3


def prepare(workload: Workload, mode: Mode) -> Session:
    """A session for `workload`.

    Raises:
        NotApplicable: The workload doesn't say what work it is.
    """
    work = work_of(workload)
    if work is None:
        raise NotApplicable("no arithmetic or memory traffic is known of it")
    return LimitSession(work, int(os.environ["OMP_NUM_THREADS"]))


class LimitSession(Session):
    """The arithmetic, then the traffic, both cut in equal parts for the threads.

    `count` steps are `count` times the arithmetic in one piece: threads meet once a run, not once a step.
    """

    def __init__(self, work: Work, threads: int) -> None:
        super().__init__([()])
        self._threads = threads
        self._pool = ThreadPoolExecutor(threads)
        loops = NativeLoops()
        self._multiply_adds = loops.multiply_adds()
        self._turns_per_step = work.floating_point_operations / threads / loops.operations_per_turn
        self._streams: list[Stream] = []
        if work.traffic.elements:
            kinds = (True, False) if work.traffic.written else (False,)
            functions = [loops.stream(work.traffic, streaming_stores=kind) for kind in kinds]
            self._streams = [Stream(work.traffic, threads, functions[0]) for _ in range(threads)]
            self._choose(functions)

    def step(self, batch: object) -> None:
        self.run(1)

    def run(self, count: int) -> None:
        list(self._pool.map(lambda thread: self._part(thread, count), range(self._threads)))

    def curve(self, count: int) -> list[float]:
        """No losses: the steps are run."""
        self.run(count)
        return []

    def to_numpy(self, result: object) -> Array:
        raise NotApplicable("the limit computes nothing")

    def evidence(self) -> Arrays:
        raise NotApplicable("the limit computes nothing")

    def _part(self, thread: int, count: int) -> None:
        if turns := round(count * self._turns_per_step):
            self._multiply_adds(turns)
        if self._streams:
            for _ in range(count):
                self._streams[thread].run()

    def _choose(self, functions: list[StreamFunction]) -> None:
        """Take the fastest: ordinary stores are that for small arrays, or on a processor without the others."""
        if len(functions) > 1:
            self._use(min(functions, key=self._trial_seconds))

    def _trial_seconds(self, function: StreamFunction) -> float:
        self._use(function)
        return min(_seconds(lambda: self.run(1)) for _ in range(_TRIALS))

    def _use(self, function: StreamFunction) -> None:
        for stream in self._streams:
            stream.function = function


class Stream:
    """One thread's part of the traffic, in arrays of its own."""

    def __init__(self, traffic: Traffic, parts: int, function: StreamFunction) -> None:
        self.function = function
        self._turns = max(1, traffic.elements // parts // STREAM_STEP)
        count = traffic.read + traffic.updated + traffic.written
        self._arrays = [_aligned(self._turns * STREAM_STEP) for _ in range(count)]
        self._table = np.array([array.ctypes.data for array in self._arrays], np.uintp)

    def run(self) -> None:
        """Go through all arrays once."""
        self.function(self._table.ctypes.data, self._turns)


def _aligned(elements: int) -> Array:
    """Zeros in memory that is there already, not promised."""
    padded = np.full(elements + ALIGNMENT_BYTES // 4, 0, np.float32)
    start = -padded.ctypes.data % ALIGNMENT_BYTES // 4
    return padded[start : start + elements]


def _seconds(call: Callable[[], None]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start
