"""What Communicator promises. The work of a rank is a function of this module, so that it can be sent to a process."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from dovetail_protocols.roles import Communicator

Run = Callable[[int, Callable[[Communicator], Any]], Sequence[Any]]
"""What some work returned, or raised, on each of so many ranks, by rank."""

ROUNDS = 20
_LATE_SECONDS = 0.05
_ROUND_BYTES = 32


def role_problems(run: Run, world_size: int) -> list[str]:
    expected = [(True, rank, world_size) for rank in range(world_size)]
    return _different("(is a Communicator, rank, world_size)", run(world_size, _told), expected)


def _told(ranks: Communicator) -> tuple[bool, int, int]:
    return isinstance(ranks, Communicator), ranks.rank, ranks.world_size


def gather_problems(run: Run, world_size: int, size: int) -> list[str]:
    expected: list[Any] = [None] * world_size
    expected[0] = [_value(rank, 0, size) for rank in range(world_size)]
    return _different(f"gather of {size:,} bytes", run(world_size, partial(_gathered, size)), expected)


def _gathered(size: int, ranks: Communicator) -> Any:
    if ranks.rank == 0:
        time.sleep(_LATE_SECONDS)  # the first comes last: order is by rank, not by arrival
    found = ranks.gather(_value(ranks.rank, 0, size))
    return None if found is None else list(found)


def broadcast_problems(run: Run, world_size: int, size: int) -> list[str]:
    expected = [(_value(0, 0, size), b"")] * world_size
    return _different(f"broadcast of {size:,} bytes", run(world_size, partial(_broadcast, size)), expected)


def _broadcast(size: int, ranks: Communicator) -> Any:
    first = ranks.broadcast(_value(ranks.rank, 0, size))  # the others' values are passed over
    return first, ranks.broadcast(b"" if ranks.rank == 0 else None)


def rounds_problems(run: Run, world_size: int) -> list[str]:
    """Calls of one round must not be taken for those of another, whoever is ahead."""
    values = [[_value(rank, turn, _ROUND_BYTES) for rank in range(world_size)] for turn in range(ROUNDS)]
    told = [_value(0, turn, _ROUND_BYTES) for turn in range(ROUNDS)]
    expected = [([found if rank == 0 else None for found in values], told) for rank in range(world_size)]
    return _different(f"{ROUNDS} rounds", run(world_size, _rounds), expected)


def _rounds(ranks: Communicator) -> Any:
    gathered, told = [], []
    for turn in range(ROUNDS):
        found = ranks.gather(_value(ranks.rank, turn, _ROUND_BYTES))
        gathered.append(None if found is None else list(found))
        told.append(ranks.broadcast(_value(0, turn, _ROUND_BYTES) if ranks.rank == 0 else None))
        if turn % 2:
            ranks.barrier()
    return gathered, told


def barrier_problems(run: Run, world_size: int) -> list[str]:
    found = run(world_size, _passed)
    if any(isinstance(times, BaseException) for times in found):
        return [f"barrier: {found}"]
    last_came = max(came for came, _ in found)
    early = [rank for rank, (_, left) in enumerate(found) if left < last_came]
    return [f"ranks {early} left the barrier before all had come"] if early else []


def _passed(ranks: Communicator) -> tuple[float, float]:
    if ranks.rank == ranks.world_size - 1:
        time.sleep(_LATE_SECONDS)
    came = time.monotonic()
    ranks.barrier()
    return came, time.monotonic()


def loss_problems(run: Run, world_size: int, patience_seconds: float) -> list[str]:
    """A rank that has ended is missed: the others get an error rather than wait for ever."""
    problems: list[str] = []
    for lost in range(world_size):
        found: list[Any] = []
        thread = threading.Thread(target=_append, args=(found, run, world_size, lost), daemon=True)
        thread.start()
        thread.join(patience_seconds)
        if not found:
            return [*problems, f"rank {lost} ended, and others still wait for it after {patience_seconds:g} s"]
        for rank, result in enumerate(found[0]):
            if rank != lost and not isinstance(result, Exception):
                problems.append(f"rank {lost} ended, and rank {rank} was told nothing: {result!r}")
    return problems


def _append(found: list[Any], run: Run, world_size: int, lost: int) -> None:
    found.append(run(world_size, partial(_left_by, lost)))


def _left_by(lost: int, ranks: Communicator) -> Any:
    if ranks.rank == lost:
        return None
    ranks.gather(b"")
    return ranks.broadcast(b"" if ranks.rank == 0 else None)


def _value(rank: int, turn: int, size: int) -> bytes:
    return (f"rank {rank}, turn {turn};".encode() * (size // 8 + 1))[:size]


def _different(what: str, found: Sequence[Any], expected: Sequence[Any]) -> list[str]:
    return [
        f"{what}, rank {rank} of {len(expected)}: {str(got)[:100]}, expected {str(wanted)[:100]}"
        for rank, (got, wanted) in enumerate(zip(found, expected, strict=True))
        if got != wanted
    ]
