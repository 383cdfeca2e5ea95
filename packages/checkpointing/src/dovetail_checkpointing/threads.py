"""Threads, where the system has room for them.

A thread that gets its stack and then no memory for its first step is lost without a word, and `Thread.start` waits for
it for ever. So room is looked for before, and whoever wants a thread can do without.
"""

from __future__ import annotations

import mmap
import sys
from collections.abc import Callable, Sequence
from threading import Lock, Thread
from typing import TypeVar

Item = TypeVar("Item")

_ROOM_BYTES = 160 << 20
"""A stack of 8 MiB, 128 MiB in which glibc looks for the 64 MiB that each thread's small memory comes from, a chunk."""


def has_room() -> bool:
    """Whether the process may take the address space that a thread needs."""
    if sys.platform == "win32":
        return True
    try:
        mmap.mmap(-1, _ROOM_BYTES, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS).close()
    except OSError:
        return False
    return True


def started(work: Callable[[], object], name: str | None = None) -> Thread | None:
    """A thread that does some work, or None where there is no room for one, or no more threads are allowed."""
    if not has_room():
        return None
    thread = Thread(target=work, name=name)
    try:
        thread.start()
    except RuntimeError:
        return None
    return thread


def side_by_side(work: Callable[[Item], object], items: Sequence[Item], threads: int) -> None:
    """Does something with each of some items, in up to so many threads, the calling one among them.

    Raises: what the first of the items raised that did; those behind it may be left out. MemoryError where a thread was
    lost.
    """
    places, taking = iter(range(len(items))), Lock()
    is_done = [False] * len(items)
    failures: dict[int, BaseException] = {}

    def run() -> None:
        while not failures:
            with taking:
                place = next(places, None)
            if place is None:
                return
            try:
                work(items[place])
                is_done[place] = True
            except BaseException as error:  # noqa: BLE001 - raised by the calling thread
                failures[place] = error

    others = [started(run) for _ in range(min(threads, len(items)) - 1)]
    try:
        run()
    finally:
        for other in others:
            if other is not None:
                other.join()
    if failures:
        raise failures[min(failures)]
    if not all(is_done):
        raise MemoryError("a thread ended in the middle of its work")
