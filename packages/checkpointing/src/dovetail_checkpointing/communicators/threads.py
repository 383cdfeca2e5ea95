"""A communicator between threads of one process."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any, TypeVar, final

from dovetail_protocols.errors import CommunicatorError

Result = TypeVar("Result")


class _Meeting:
    """Where the threads of a group hand in a value each, and get those of all."""

    def __init__(self, world_size: int, timeout_seconds: float) -> None:
        self.world_size, self._timeout_seconds = world_size, timeout_seconds
        self._change = threading.Condition()
        self._round = 0
        self._handed_in: dict[int, bytes] = {}
        self._all: list[bytes] = []
        self._gone: dict[int, str] = {}

    def meet(self, rank: int, value: bytes) -> list[bytes]:
        """The values of all ranks, once each has handed one in."""
        with self._change:
            this = self._round
            self._handed_in[rank] = value
            if len(self._handed_in) == self.world_size:
                self._all = [self._handed_in[other] for other in range(self.world_size)]
                self._handed_in = {}
                self._round += 1
                self._change.notify_all()
            else:
                self._change.wait_for(lambda: self._round != this or self._missed(), self._timeout_seconds)
            if self._round == this:
                raise self._lost(rank)
            return self._all

    def leave(self, rank: int, how: str) -> None:
        """Notes that a rank will not come any more."""
        with self._change:
            self._gone[rank] = how
            self._change.notify_all()

    def _missed(self) -> list[str]:
        return [f"rank {rank} {how}" for rank, how in self._gone.items() if rank not in self._handed_in]

    def _lost(self, rank: int) -> CommunicatorError:
        late = [str(other) for other in range(self.world_size) if other not in self._handed_in]
        return CommunicatorError(
            "threads that work together have lost each other",
            where=f"rank {rank} of {self.world_size}",
            cause=", ".join(self._missed()) or f"rank {', '.join(late)} did not come in {self._timeout_seconds:g} s",
        )


@final
class ThreadCommunicator:
    """One rank of a group of threads; `run_threads` makes the group. It is a `Communicator`."""

    def __init__(self, meeting: _Meeting, rank: int) -> None:
        self._meeting, self._rank = meeting, rank

    @property
    def rank(self) -> int:
        return self._rank

    @property
    def world_size(self) -> int:
        return self._meeting.world_size

    def barrier(self) -> None:
        """Returns once every rank is here.

        Raises: CommunicatorError where one ended, or did not come in time.
        """
        self._meeting.meet(self._rank, b"")

    def gather(self, value: bytes) -> Sequence[bytes] | None:
        """The values of all ranks by rank, on rank 0; None elsewhere.

        Raises: CommunicatorError.
        """
        values = self._meeting.meet(self._rank, value)
        return values if self._rank == 0 else None

    def broadcast(self, value: bytes | None) -> bytes:
        """Rank 0's value, on every rank.

        Raises: CommunicatorError.
        """
        return self._meeting.meet(self._rank, value or b"")[0]


def run_threads(
    world_size: int, work: Callable[[ThreadCommunicator], Result], *, timeout_seconds: float = 600.0
) -> list[Result | BaseException]:
    """What `work(communicator)` returned or raised on each of `world_size` threads, by rank. Once one has ended, the
    others get a CommunicatorError where they would wait for it, or after the timeout."""
    meeting = _Meeting(world_size, timeout_seconds)
    results: list[Any] = [None] * world_size

    def run(rank: int) -> None:
        try:
            results[rank] = work(ThreadCommunicator(meeting, rank))
            meeting.leave(rank, "has returned")
        except BaseException as error:  # noqa: BLE001 - whoever called gets it
            results[rank] = error
            meeting.leave(rank, f"raised {type(error).__name__}: {error}")

    threads = [threading.Thread(target=run, args=(rank,), name=f"rank {rank}") for rank in range(world_size)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results
