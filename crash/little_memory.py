"""Saves and restores in processes that may take hardly more memory than the values do."""

from __future__ import annotations

import os
import resource
import shutil
import signal
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from crash.tracing import scratch
from dovetail_checkpointing import Manager, restore, save
from dovetail_protocols.errors import CheckpointError

BESIDES_BYTES = 256 << 20
LARGEST_BYTES = 64 << 20
SECONDS = 120
WORKED, TOLD, TOUCHED, WRONG, UNTYPED = range(5)
OUTCOMES = ("worked", "an error, nothing touched", "an error, but touched", "wrong values", "an error of another type")
Tree = dict[str, np.ndarray[Any, Any]]


def tree(value: int, size_bytes: int) -> Tree:
    """A large array and small ones, all of one value."""
    return {
        "large": np.full(size_bytes // 8, float(value)),
        **{f"bias_{n}": np.full(9, float(value)) for n in range(9)},
    }


def holds(found: Tree, value: int) -> bool:
    return all((array == value).all() for array in found.values())


def restored_into(folder: Path, target: Tree) -> bool:
    return holds(restore(folder / "c", target).tree, 1)


def restored(folder: Path, target: Tree) -> bool:
    return holds(restore(folder / "c").tree, 1)


def verified(folder: Path, target: Tree) -> bool:
    return holds(restore(folder / "c", target, verify="full").tree, 1)


def saved(folder: Path, target: Tree) -> bool:
    save(folder / "c", target, overwrite=True, durability="process")
    return True


def saved_in_background(folder: Path, target: Tree) -> bool:
    Manager(folder / "run").save_async(2, target, durability="process").result()
    return True


RESTORES: tuple[Callable[[Path, Tree], bool], ...] = (restored_into, restored, verified)
SAVES: tuple[Callable[[Path, Tree], bool], ...] = (saved, saved_in_background)


def try_little_memory(seed: int, first: int, count: int) -> dict[str, Any]:
    """Counts what became of trials. Half of them have the size of the values and 256 MiB for everything, the process
    and its libraries included; the others what they have already, and a part of the size that is drawn."""
    counts: Counter[str] = Counter()
    examples: list[str] = []
    for number in range(first, first + count):
        random, folder = Random(f"{seed} {number}"), scratch()
        try:
            what, outcome = _one(folder, random)
        finally:
            shutil.rmtree(folder)
        counts[outcome] += 1
        if outcome not in OUTCOMES[: TOLD + 1]:
            examples.append(f"{outcome}: trial {number}: {what}")
    misses = {outcome: number for outcome, number in counts.items() if outcome not in OUTCOMES[: TOLD + 1]}
    return {"counts": counts, "misses": misses, "examples": examples}


def _one(folder: Path, random: Random) -> tuple[str, str]:
    size_bytes, action = random.randint(1 << 20, LARGEST_BYTES), random.choice((*RESTORES, *SAVES))
    allowed = None if random.random() < 0.5 else random.randrange(size_bytes + (32 << 20))
    save(folder / "c", tree(1, size_bytes), durability="process")
    Manager(folder / "run").save(1, tree(1, size_bytes), durability="process")
    child = os.fork()
    if child == 0:
        os._exit(_in_child(folder, action, size_bytes, allowed))
    status = os.waitpid(child, 0)[1]
    limit = "the size and 256 MiB" if allowed is None else f"{allowed:,} bytes more than before"
    what = f"{action.__name__}, {size_bytes:,} bytes, with {limit}"
    if os.WIFSIGNALED(status):
        return what, f"died of signal {os.WTERMSIG(status)}"
    code = os.waitstatus_to_exitcode(status)
    if action in SAVES:
        code = _judged(folder, action, code)
    return what, OUTCOMES[code]


def _in_child(folder: Path, action: Callable[[Path, Tree], bool], size_bytes: int, allowed: int | None) -> int:
    """Does it with a limit, and gives what became of it."""
    target = tree(2 if action in SAVES else 0, size_bytes)
    signal.alarm(SECONDS)
    limit = size_bytes + BESIDES_BYTES if allowed is None else _used_bytes() + allowed
    usual = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (limit, usual[1]))
    try:
        code = WORKED if action(folder, target) else WRONG
    except (CheckpointError, MemoryError):
        code = TOLD
    except BaseException:  # noqa: BLE001 - whatever it is, it is a miss
        code = UNTYPED
    resource.setrlimit(resource.RLIMIT_AS, usual)
    return TOUCHED if code == TOLD and action in RESTORES and not holds(target, 0) else code


def _used_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()


def _judged(folder: Path, action: Callable[[Path, Tree], bool], code: int) -> int:
    """After a save: what was saved is whole, or after an error what was there before."""
    try:
        found: Tree = restore(folder / "c").tree if action is saved else Manager(folder / "run").restore_latest().tree
    except CheckpointError:
        return TOUCHED
    value = int(found["large"][0])
    return code if holds(found, value) and value in ((2,) if code == WORKED else (1, 2)) else TOUCHED
