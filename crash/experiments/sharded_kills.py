"""Three processes save together, again and again over the same checkpoint; one is killed at a random moment.

What any of them was told is saved must be there, or the save after it; the two others must hear of the loss rather than
wait; the next three must be able to go on, and leave nothing unfinished behind.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

from crash.experiments.plan import Plan
from crash.formats.catalogue import OURS
from crash.results import Result
from crash.stand import Stand
from crash.tracing import scratch
from dovetail_checkpointing import restore
from dovetail_protocols.errors import CheckpointError

WORLD_SIZE = 3
TRIALS = 300
PATIENCE_SECONDS = 60
PROGRAM = """
import sys
import numpy as np
from dovetail_checkpointing import ProcessCommunicator, Shard, even_slices, save_sharded

folder, rank, world_size, value = sys.argv[1], *map(int, sys.argv[2:5])
with ProcessCommunicator(f"{folder}/meeting", rank, world_size, timeout_seconds=60) as ranks:
    while True:
        value += 1
        whole = np.full((64, 1024), value)
        part = even_slices(whole.shape, 0, rank, world_size)
        tree = {"w": Shard(whole[part], [cut.start for cut in part], whole.shape), "value": value}
        save_sharded(f"{folder}/c", tree, communicator=ranks, overwrite=True)
        print(value, flush=True)
"""


def run(stand: Stand, plan: Plan) -> Iterator[Result]:
    if stand.name != OURS:
        return
    result = Result("sharded-kills", stand.name, f"{WORLD_SIZE} processes", plan.seed)
    random, folder, value = Random(plan.seed), scratch(), 0
    try:
        usual = plan.count(TRIALS, stand.name, quick=3)
        for trial in range(usual if plan.kills is None else -(-plan.kills // 10)):
            value = _one(folder, value, random, result, trial)
    finally:
        shutil.rmtree(folder)
    yield result


def _one(folder: Path, value: int, random: Random, result: Result, trial: int) -> int:
    """One group, which goes on from a value; the value that its end has left."""
    victim, count, share = random.randrange(WORLD_SIZE), random.randint(1, 3), random.random()
    processes = [_start(folder, rank, value) for rank in range(WORLD_SIZE)]
    deadline = time.monotonic() + PATIENCE_SECONDS
    try:
        while len(_told(folder)) < count and time.monotonic() < deadline:
            time.sleep(0.001)
        time.sleep(0.05 * share)
        processes[victim].kill()
        for process in processes:
            process.wait(max(1.0, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        result.add("a rank waited on", miss=True, example=f"trial {trial}, rank {victim} killed")
    finally:
        for process in processes:
            process.kill()
            process.wait()
    saved = max([value, *_told(folder)])
    case = f"trial {trial}, rank {victim} killed after {saved}"
    for rank in {*range(WORLD_SIZE)} - {victim}:
        error = (folder / f"errors-{rank}").read_text("utf-8")
        if "lost each other" not in error:
            result.add("a rank did not hear of the loss", miss=True, example=f"{case}: {error[-200:]}")
    return _judged(folder, saved, result, case)


def _told(folder: Path) -> list[int]:
    """What any rank was told is saved."""
    said = [(folder / f"told-{rank}").read_text("utf-8") for rank in range(WORLD_SIZE)]
    return [int(line) for text in said for line in text.splitlines(keepends=True) if line.endswith("\n")]


def _judged(folder: Path, saved: int, result: Result, case: str) -> int:
    try:
        tree = restore(folder / "c").tree
    except CheckpointError as error:
        if not saved:  # killed before the first save
            result.add("nothing was saved yet")
            return saved
        result.add("nothing can be restored", miss=True, example=f"{case}: {error}")
        return saved
    found = int(tree["value"])
    if len(list(folder.glob(".tmp-*"))) > 1:
        result.add("unfinished saves stayed", miss=True, example=case)
    if not (tree["w"] == found).all():
        result.add("parts of two saves", miss=True, example=case)
    elif found not in (saved, saved + 1):
        result.add("a save that had returned is lost", miss=True, example=f"{case}: {found}")
    else:
        result.add("the save under way is there" if found > saved else "the last that was told of is there")
    return found


def _start(folder: Path, rank: int, value: int) -> subprocess.Popen[bytes]:
    arguments = [sys.executable, "-c", PROGRAM, str(folder), str(rank), str(WORLD_SIZE), str(value)]
    with open(folder / f"told-{rank}", "wb") as told, open(folder / f"errors-{rank}", "wb") as errors:
        return subprocess.Popen(arguments, stdout=told, stderr=errors)
