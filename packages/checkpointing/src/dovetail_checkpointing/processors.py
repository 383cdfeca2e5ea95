"""Processors, shared out among threads so that all have done their work as early as can be."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

_PART = 0.75
"""Who has less left than this part of what another has makes room for it: seldom at first, and often in the end, when
everybody waits for the difference between the two."""


class Processors:
    """So many threads may work at a time. Of those that wait the one with the most left to do is next: otherwise one
    might have to do in the end, alone, all that it waited with. To wake a thread takes a while, so who works goes on
    until `should_yield`."""

    def __init__(self, count: int) -> None:
        self._free = count
        self._waiting: list[tuple[int, Lock]] = []
        self._changing = Lock()

    def add(self) -> None:
        """One more may work: the next of those that wait, and nobody else is woken."""
        with self._changing:
            if not self._waiting:
                self._free += 1
                return
            longest = max(range(len(self._waiting)), key=lambda place: self._waiting[place][0])
            self._waiting.pop(longest)[1].release()

    def should_yield(self, left: int) -> bool:
        """Whether one that waits has so much more to do that who has this `left` should give it the processor."""
        with self._changing:
            return any(left < _PART * other for other, _ in self._waiting)

    @contextmanager
    def one(self, left: int) -> Iterator[None]:
        """One of the processors, once it is there for a thread with so much `left` to do."""
        turn = Lock()
        turn.acquire()
        with self._changing:
            if self._free:
                self._free -= 1
                turn.release()
            else:
                self._waiting.append((left, turn))
        with turn:
            try:
                yield
            finally:
                self.add()
