"""How many threads kernels run on, and the workers that do."""

from __future__ import annotations

import atexit
import ctypes
import os
import threading
from typing import Any

import numpy as np

from dovetail_protocols.errors import AttributeValueError

from .blocks import aligned
from .driver import driver, has_threads, process_symbols
from .structures import Pool

VARIABLE = "DOVETAIL_NUM_THREADS"
"""Names the number of threads; without it, there are as many as CPUs that the process may use."""
SPIN_NANOSECONDS = 50_000
"""How long a worker looks for more work before it sleeps: longer than what is usual between two calls of a loop,
shorter than what a person or another process would mind."""
_LOCK_BYTES = 256
"""More than what a mutex or a condition takes on any system (glibc: 40 and 48 bytes; macOS: 64 and 48)."""

CELL = np.zeros(1, np.int64)
"""The address of the pool in force, which native code reads at each call; 0: none was needed yet."""


def thread_count() -> int:
    """On how many threads kernels run: what set_thread_count said, else DOVETAIL_NUM_THREADS, else the number of CPUs
    that this process may use.

    Raises: AttributeValueError where DOVETAIL_NUM_THREADS is no whole number from 1 on.
    """
    if _state.count is not None:
        return _state.count
    text = os.environ.get(VARIABLE, "").strip()
    if not text:
        return _usable_cpus()
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= LIMIT):
        raise AttributeValueError(
            f"{VARIABLE} is no number of threads",
            expected=f"a whole number from 1 to {LIMIT}, or nothing",
            got=repr(text),
            fix=f"set {VARIABLE}=2, for one, or unset it",
        )
    return int(text)


LIMIT = 1024
"""More threads than any machine that this is for has CPUs."""


def set_thread_count(count: int | None) -> None:
    """From the next call on, kernels run on so many threads (the calling one among them); None: as many as without
    this. Results don't depend on it. Holds for the whole process.

    Raises: AttributeValueError for a number below 1 or above LIMIT, or no whole number.
    """
    if count is not None and (not isinstance(count, int) or isinstance(count, bool) or not 1 <= count <= LIMIT):
        raise AttributeValueError(
            "no such number of threads", expected=f"a whole number from 1 to {LIMIT}", got=repr(count)
        )
    with _state.lock:
        _state.count = count
        CELL[0] = 0


def _usable_cpus() -> int:
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return os.cpu_count() or 1


class Workers:
    """Threads that wait for work, and the words they share with callers."""

    def __init__(self, count: int) -> None:
        self._words = aligned(8 * Pool.SIZE, 128).view(np.int64)
        self._words[:] = 0
        self._locks = aligned(2 * _LOCK_BYTES, 128)
        self._locks[:] = 0
        self.address = int(self._words.ctypes.data)
        self.threads: list[threading.Thread] = []
        mutex = int(self._locks.ctypes.data)
        self._words[Pool.HOST] = driver().host
        self._words[Pool.SPIN_NANOSECONDS] = SPIN_NANOSECONDS
        self._words[Pool.MUTEX], self._words[Pool.CONDITION] = mutex, mutex + _LOCK_BYTES
        if count and has_threads():
            process = process_symbols()
            process.pthread_mutex_init(ctypes.c_void_p(mutex), None)
            process.pthread_cond_init(ctypes.c_void_p(mutex + _LOCK_BYTES), None)
            self._start(count)

    def _start(self, count: int) -> None:
        for number in range(1, count + 1):
            thread = threading.Thread(
                target=driver().work, args=(self.address, number), name=f"dovetail-worker-{number}", daemon=True
            )
            try:
                thread.start()
            except RuntimeError:  # no more threads on this system, or the interpreter ends: go with those there are
                break
            self.threads.append(thread)
        self._words[Pool.WORKERS] = len(self.threads)

    def stop(self, timeout_seconds: float) -> None:
        """Tells the threads to end, and waits for them a while."""
        if not self.threads:
            return
        process = process_symbols()
        mutex, condition = (ctypes.c_void_p(int(self._words[place])) for place in (Pool.MUTEX, Pool.CONDITION))
        self._words[Pool.STOP] = 1
        process.pthread_mutex_lock(mutex)
        process.pthread_cond_broadcast(condition)
        process.pthread_mutex_unlock(mutex)
        for thread in self.threads:
            thread.join(timeout_seconds / len(self.threads))


class _State:
    """What there is once in a process."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.count: int | None = None
        self.workers: dict[int, Workers] = {}
        """By their number. They stay, asleep, when another number is set: a call may still use them."""
        self.ending = False


_state = _State()


def start() -> None:
    """Makes sure that CELL holds a pool."""
    with _state.lock:
        if not CELL[0]:
            count = 0 if _state.ending else thread_count() - 1
            if count not in _state.workers:
                _state.workers[count] = Workers(count)
            CELL[0] = _state.workers[count].address


def pool_words(address: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    """The words of a pool."""
    return np.ctypeslib.as_array((ctypes.c_int64 * Pool.SIZE).from_address(address))


def scratch_slots() -> int:
    """For how many threads a context needs scratch memory at the moment."""
    return max((1 + len(workers.threads) for workers in _state.workers.values()), default=1)


def _end() -> None:
    """The interpreter ends: no thread may come back to it later."""
    with _state.lock:
        _state.ending = True
        CELL[0] = 0
        for workers in _state.workers.values():
            workers.stop(0.2)


def _forget() -> None:
    """In a child process: the threads aren't there any more, and the lock may be held by one of them."""
    CELL[0] = 0
    _state.lock = threading.Lock()
    _state.workers = {}


atexit.register(_end)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
