"""Several ranks save parts of a tensor, others restore other parts of it: all must be what was saved.

Parts are cut at random along any axes; they may be empty, and need not lie in a grid.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from crash.experiments.plan import Plan
from crash.formats.catalogue import OURS
from crash.results import Result
from crash.stand import Stand
from crash.tracing import scratch
from dovetail_checkpointing import Shard, restore, run_threads, save_sharded

DTYPES = ("float32", "int8", "complex128", "bool", "uint16")
RANKS, AXES, LONGEST = 16, 4, 9
TRIALS = 10_000
Part = tuple[slice, ...]


def run(stand: Stand, plan: Plan) -> Iterator[Result]:
    if stand.name != OURS:
        return
    random = Random(plan.seed)
    result = Result("resharding", stand.name, f"up to {RANKS} ranks to {RANKS}, up to {AXES} axes", plan.seed)
    for trial in range(plan.count(TRIALS, stand.name, quick=50)):
        folder = scratch()
        try:
            _one(folder, random, result, trial)
        finally:
            shutil.rmtree(folder)
    yield result


def _one(folder: Path, random: Random, result: Result, trial: int) -> None:
    shape = tuple(random.randint(0, LONGEST) for _ in range(random.randint(0, AXES)))
    values = np.random.default_rng(random.randrange(1 << 32)).integers(0, 200, shape)
    whole = values.astype(random.choice(DTYPES))
    saved, wanted = parts(shape, random), parts(shape, random)

    def save(ranks: Any) -> Any:
        return save_sharded(
            folder / "c", {"w": _shard(whole, saved[ranks.rank])}, communicator=ranks, durability="process"
        )

    failed = [outcome for outcome in run_threads(len(saved), save) if isinstance(outcome, BaseException)]
    case = f"trial {trial}: {whole.dtype} {shape}, {len(saved)} to {len(wanted)} ranks"
    if failed:
        result.add("a save failed", miss=True, example=f"{case}: {failed[0]}")
        return
    for part in wanted:
        blank = Shard(np.zeros_like(whole[part]), [cut.start for cut in part], shape)
        found = restore(folder / "c", {"w": blank}).tree["w"].value
        if found.tobytes() != whole[part].tobytes():
            result.add("other values", miss=True, example=f"{case}, part {part}")
            return
    result.add("equal")


def parts(shape: tuple[int, ...], random: Random) -> list[Part]:
    """A tensor cut into a part for each of a random number of ranks."""
    found: list[Part] = [tuple(slice(0, size) for size in shape)]
    for _ in range(random.randrange(RANKS) if shape else 0):
        part = found.pop(random.randrange(len(found)))
        axis = random.randrange(len(shape))
        at = random.randint(part[axis].start, part[axis].stop)
        for cut in (slice(part[axis].start, at), slice(at, part[axis].stop)):
            found.append((*part[:axis], cut, *part[axis + 1 :]))
    return found


def _shard(whole: np.ndarray[Any, Any], part: Part) -> Shard:
    return Shard(whole[part].copy(), [cut.start for cut in part], whole.shape)
