"""What ran when, on which thread: recorded by the driver itself, task by task."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

import numpy as np

from dovetail_protocols.compilers import KernelRun

from .structures import Event, Profile

if TYPE_CHECKING:
    from .executable import Executable

CAPACITY = 1 << 18
"""How many tasks a recording holds; later ones are left out."""
GAP_NANOSECONDS = 2000
"""Tasks of one launch that follow each other on a thread within this time are one bar of a trace."""


class Recording:
    """What was recorded. `runs`: in the order of their starts, once recording has ended; `left_out`: how many tasks had
    no room."""

    def __init__(self) -> None:
        self.runs: list[KernelRun] = []
        self.left_out = 0


class _State:
    """What there is once in a process."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.executables: WeakSet[Executable] = WeakSet()
        self.seen: list[Executable] = []
        """Those of a recording, kept so that their events have names."""
        self.address = 0
        self.buffer: np.ndarray[Any, np.dtype[np.int64]] | None = None
        """Kept for good: a call that began while it was recorded may still write there."""


_state = _State()


def watch(executable: Executable) -> None:
    """Makes recordings know of an executable."""
    _state.executables.add(executable)
    if _state.address:
        _state.seen.append(executable)


def buffer_address() -> int:
    """Where events are to be written; 0 for nowhere."""
    return _state.address


@contextmanager
def record() -> Iterator[Recording]:
    """Records what all executables run, on all threads, until the context ends.

    Raises: RuntimeError where another recording goes on.
    """
    recording = Recording()
    lock = _state.lock  # a child process may have another one when this ends
    if not lock.acquire(blocking=False):
        raise RuntimeError("kernels are being recorded already; end that recording first")
    try:
        buffer = _begin()
        try:
            yield recording
        finally:
            _switch(0)
            events = _events(buffer)
            recording.left_out = max(0, int(buffer[Profile.NEXT]) - CAPACITY)
            recording.runs = _runs(events)
            _state.seen = []
    finally:
        lock.release()


def _begin() -> np.ndarray[Any, np.dtype[np.int64]]:
    if _state.buffer is None:
        _state.buffer = np.empty(Profile.FIRST + CAPACITY * Event.SIZE, np.int64)
    buffer = _state.buffer
    buffer[:] = 0  # also so that no page is touched for the first time while kernels are timed
    buffer[Profile.CAPACITY] = CAPACITY
    _state.seen = list(_state.executables)
    _switch(int(buffer.ctypes.data))
    return buffer


def _switch(address: int) -> None:
    _state.address = address
    for executable in list(_state.executables):
        executable.record_to(address)


def _events(buffer: np.ndarray[Any, np.dtype[np.int64]]) -> list[list[int]]:
    """Finished events by thread and time."""
    count = min(int(buffer[Profile.NEXT]), CAPACITY)
    rows = buffer[Profile.FIRST :][: count * Event.SIZE].reshape(count, Event.SIZE)
    rows = rows[rows[:, Event.END] > 0]
    events: list[list[int]] = rows[np.lexsort((rows[:, Event.START], rows[:, Event.THREAD]))].tolist()
    return events


def _runs(events: list[list[int]]) -> list[KernelRun]:
    launches = {executable.number: executable.launches for executable in _state.seen}
    runs: list[KernelRun] = []
    current = -1
    for number, thread, start, end in events:
        executable, place = divmod(number, 1 << 32)
        if executable not in launches:
            continue
        launch = launches[executable][place]
        share = 1 / max(launch.tasks, 1)
        run = KernelRun(launch.kernel.what, thread, start, end, 1, launch.flops * share, launch.bytes * share)
        last = runs[-1] if runs else None
        if last and current == number and last.thread == thread and _follow(last, run, launch.tasks):
            runs[-1] = KernelRun(
                run.what, thread, last.start, end, last.tasks + 1, last.flops + run.flops, last.bytes + run.bytes
            )
        else:
            runs.append(run)
        current = number
    return sorted(runs, key=lambda run: run.start)


def _follow(last: KernelRun, run: KernelRun, tasks: int) -> bool:
    """Whether a task belongs to the same bar."""
    return run.start - last.end < GAP_NANOSECONDS and last.tasks < tasks


def _forget() -> None:
    """In a child process: another thread may have been recording."""
    _state.lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
