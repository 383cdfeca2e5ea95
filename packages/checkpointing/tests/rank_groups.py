"""Groups of ranks on threads, what each has of a tree, and what all of them came to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from dovetail_checkpointing import (
    Manager,
    Receipt,
    Shard,
    even_slices,
    run_threads,
)
from dovetail_protocols.roles import Communicator

WORLD_SIZE = 3
Work = Callable[[Any], Any]


def on_ranks(work: Work, world_size: int = WORLD_SIZE) -> list[Any]:
    """What each rank came to; none may have waited for another in vain."""
    results = run_threads(world_size, work, timeout_seconds=30)
    assert not [result for result in results if "did not come" in str(result)], results
    return results


def alike(results: list[Any]) -> Any:
    """What all ranks came to: receipts of one checkpoint, or the same error."""
    assert len({type(result) for result in results}) == 1, results
    if isinstance(results[0], BaseException):
        assert len({str(result) for result in results}) == 1, results
    if isinstance(results[0], Receipt):
        assert len({(result.path, result.digest) for result in results}) == 1, results
    return results[0]


def part_of(whole: Any, ranks: Communicator) -> Shard:
    part = even_slices(whole.shape, 0, ranks.rank, ranks.world_size)
    return Shard(np.array(whole[part]), [one.start for one in part], whole.shape)


def tree_of(value: float, ranks: Communicator) -> Any:
    return {"w": part_of(np.full((7, 2), value), ranks), "step": value}


def saved(root: Any, steps: tuple[int, ...], storage: Any = None, **options: Any) -> None:
    def work(ranks: Any) -> None:
        manager = Manager(root, communicator=ranks, file_system=storage, **options)
        for step in steps:
            manager.save(step, tree_of(step, ranks))

    assert on_ranks(work) == [None] * WORLD_SIZE


class Target:
    """What a rank restores into: its part as a variable, and an object with a scalar."""

    def __init__(self, ranks: Communicator, variable: Any, module: Any) -> None:
        part = part_of(np.full((7, 2), -1.0), ranks)
        self.variable, self.object = variable(part.value), module(epoch=-1)
        self.tree = {"w": Shard(self.variable, part.starts, part.shape), "object": self.object}

    @property
    def value(self) -> float:
        """What all of it holds."""
        (found,) = {float(one) for one in self.variable.payload.reshape(-1)} | {float(self.object.epoch)}
        return found


def saved_targets(root: Any, steps: tuple[int, ...], target: Any, storage: Any = None) -> None:
    def work(ranks: Any) -> None:
        manager = Manager(root, communicator=ranks, file_system=storage)
        for step in steps:
            own = target(ranks)
            own.variable.payload = np.full_like(own.variable.payload, step)
            own.object.epoch = step
            manager.save(step, own.tree)

    assert on_ranks(work) == [None] * WORLD_SIZE
