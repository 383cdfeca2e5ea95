"""Communicators with one fault each, and an honest one: threads that meet at a condition."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from dovetail_conformance import communicator_suite

from . import Mutant


class Group:
    """Where ranks hand in values, and get those of all."""

    def __init__(self, world_size: int) -> None:
        self.world_size, self.change = world_size, threading.Condition()
        self.round, self.values, self.all = 0, {}, {}
        self.gone: set[int] = set()

    def meet(self, rank: int, value: bytes) -> dict[int, bytes]:
        """The values of all ranks, in the order in which they came."""
        with self.change:
            this = self.round
            self.values[rank] = value
            if len(self.values) == self.world_size:
                self.all, self.values = self.values, {}
                self.round += 1
                self.change.notify_all()
            self.change.wait_for(lambda: self.round != this or bool(self.gone - self.values.keys()))
            if self.round == this:
                raise ConnectionError("a rank has ended")
            return self.all

    def leave(self, rank: int) -> None:
        with self.change:
            self.gone.add(rank)
            self.change.notify_all()


class Honest:
    """A rank of a group of threads."""

    def __init__(self, group: Group, rank: int) -> None:
        self.group, self.rank, self.world_size = group, rank, group.world_size

    def barrier(self) -> None:
        self.group.meet(self.rank, b"")

    def gather(self, value: bytes) -> Any:
        values = self.group.meet(self.rank, value)
        return [values[rank] for rank in range(self.world_size)] if self.rank == 0 else None

    def broadcast(self, value: bytes | None) -> bytes:
        return self.group.meet(self.rank, value or b"")[0]

    def leave(self) -> None:
        self.group.leave(self.rank)


class CountsFromOne(Honest):
    def __init__(self, group: Group, rank: int) -> None:
        super().__init__(group, rank)
        self.own, self.rank = rank, rank + 1

    def barrier(self) -> None:
        self.group.meet(self.own, b"")

    def gather(self, value: bytes) -> Any:
        values = self.group.meet(self.own, value)
        return [values[rank] for rank in range(self.world_size)] if self.own == 0 else None

    def broadcast(self, value: bytes | None) -> bytes:
        return self.group.meet(self.own, value or b"")[0]

    def leave(self) -> None:
        self.group.leave(self.own)


class GathersByArrival(Honest):
    def gather(self, value: bytes) -> Any:
        values = self.group.meet(self.rank, value)
        return list(values.values()) if self.rank == 0 else None


class GathersEverywhere(Honest):
    def gather(self, value: bytes) -> Any:
        values = self.group.meet(self.rank, value)
        return [values[rank] for rank in range(self.world_size)]


class CutsLongValues(Honest):
    def gather(self, value: bytes) -> Any:
        return super().gather(value[:65536])


class TellsItsOwnValue(Honest):
    def broadcast(self, value: bytes | None) -> bytes:
        told = super().broadcast(value)
        return told if value is None else value


class TellsNothingOfNothing(Honest):
    def broadcast(self, value: bytes | None) -> Any:
        return super().broadcast(value) or None


class TellsTheFirstValue(Honest):
    told: bytes | None = None

    def broadcast(self, value: bytes | None) -> bytes:
        found = super().broadcast(value)
        if self.told is None or len(found) != len(self.told):
            self.told = found
        return self.told


class LetsPass(Honest):
    def barrier(self) -> None:
        return


class WaitsForEver(Honest):
    def leave(self) -> None:
        return


class SwallowsTheLoss(Honest):
    def broadcast(self, value: bytes | None) -> bytes:
        try:
            return super().broadcast(value)
        except ConnectionError:
            return b""

    def gather(self, value: bytes) -> Any:
        try:
            return super().gather(value)
        except ConnectionError:
            return None


def runner(kind: type[Honest]) -> Callable[..., list[Any]]:
    def run(world_size: int, work: Callable[[Any], Any]) -> list[Any]:
        group, results = Group(world_size), [None] * world_size

        def one(rank: int) -> None:
            ranks = kind(group, rank)
            try:
                results[rank] = work(ranks)
            except Exception as error:  # noqa: BLE001 - the suite judges it
                results[rank] = error
            ranks.leave()

        threads = [threading.Thread(target=one, args=(rank,), daemon=True) for rank in range(world_size)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return results

    return run


def mutant(kind: type[Honest], what: str, *caught_by: str) -> Mutant:
    return Mutant(
        name=kind.__name__,
        what=what,
        suite=lambda: communicator_suite(runner(kind), world_sizes=(1, 3), patience_seconds=1.0),
        caught_by=frozenset(caught_by),
    )


ROLE, GATHER = "has_its_role", "gather_gives_rank_0_every_value_by_rank"
BROADCAST, ROUNDS = "broadcast_gives_every_rank_the_value_of_rank_0", "rounds_are_kept_apart"
BARRIER, LOSS = "barrier_holds_until_all_have_come", "rank_that_has_ended_is_missed"

MUTANTS = (
    mutant(Honest, "threads that meet at a condition; a rank that has ended is an error"),
    mutant(CountsFromOne, "numbers its ranks from 1", ROLE),
    mutant(GathersByArrival, "gathers in the order of arrival", GATHER),
    mutant(GathersEverywhere, "gives what was gathered to every rank", GATHER),
    mutant(CutsLongValues, "gathers 64 KiB of a value", GATHER),
    mutant(TellsItsOwnValue, "gives a rank its own value back", BROADCAST),
    mutant(TellsNothingOfNothing, "tells None in place of no bytes", BROADCAST),
    mutant(TellsTheFirstValue, "tells the value of an earlier round", ROUNDS),
    mutant(LetsPass, "doesn't wait at a barrier", BARRIER),
    mutant(WaitsForEver, "waits for a rank that has ended", LOSS),
    mutant(SwallowsTheLoss, "says nothing of a rank that has ended", LOSS),
)
