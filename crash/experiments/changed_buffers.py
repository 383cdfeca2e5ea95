"""Everything is changed as soon as `save_async` has returned, and for as long as it writes: what was there is saved.

Arrays are written over in place, also through views, and containers are emptied; variables go on being trained by a
compiled step, which reuses buffers that nobody holds, and are assigned.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from crash.experiments.plan import Plan
from crash.formats.catalogue import OURS
from crash.results import Result
from crash.stand import Stand
from crash.tracing import scratch
from dovetail_checkpointing import Manager, restore, save_async
from dovetail_protocols.errors import CheckpointError

ARRAYS, VARIABLES = 700, 300
DTYPES = ("float32", "int8", "complex128", "bool", "uint16", "float64")
LONGEST = 1 << 17
Change = Callable[[], None]


def run(stand: Stand, plan: Plan) -> Iterator[Result]:
    if stand.name != OURS:
        return
    result, random, folder = Result("changed-buffers", stand.name, "arrays", plan.seed), Random(plan.seed), scratch()
    try:
        for trial in range(plan.count(ARRAYS, stand.name, quick=10)):
            tree, change = _arrays(random)
            _one(folder, tree, change, random, result, f"trial {trial}")
        yield result
        result = Result("changed-buffers", stand.name, "variables in training", plan.seed)
        variables, train = _training(random)
        for trial in range(plan.count(VARIABLES, stand.name, quick=5)):
            _one(folder, {"variables": variables}, train, random, result, f"trial {trial}")
        yield result
    finally:
        shutil.rmtree(folder)


def _one(folder: Path, tree: dict[str, Any], change: Change, random: Random, result: Result, trial: str) -> None:
    expected = {name: [_bytes_of(value) for value in values] for name, values in tree.items()}
    durability = random.choice(("process", "power-loss"))
    if random.random() < 0.5:
        pending = save_async(folder / "c", tree, durability=durability)
    else:
        pending = Manager(folder / "run").save_async(1, tree, durability=durability)
    change()
    was_writing = not pending.done()
    while not pending.done():
        change()
    case = f"{trial}, {Path(pending.where).name}, {durability}"
    try:
        pending.result()
        saved = restore(pending.where).tree
    except CheckpointError as error:
        result.add(f"raised {type(error).__name__}", miss=True, example=f"{case}: {error}")
        return
    finally:
        shutil.rmtree(pending.where, ignore_errors=True)
    if {name: [_bytes_of(value) for value in values] for name, values in saved.items()} != expected:
        result.add("other values", miss=True, example=case)
    else:
        result.add("equal, changed while it was written" if was_writing else "equal, it was written already")


def _bytes_of(value: Any) -> tuple[str, tuple[int, ...], bytes]:
    array = np.asarray(value)
    return array.dtype.str, array.shape, array.tobytes()


def _arrays(random: Random) -> tuple[dict[str, Any], Change]:
    """Lists of arrays, some of them views into others' memory; and what overwrites all of it."""
    noise = np.random.default_rng(random.randrange(1 << 32))
    owners = []
    for _ in range(random.randint(1, 8)):
        dtype = random.choice(DTYPES)
        owners.append(noise.integers(0, 2 if dtype == "bool" else 100, random.randint(0, LONGEST)).astype(dtype))
    views = [_view(owner, random) for owner in owners]
    tree: dict[str, Any] = {"owners": owners, "views": views, "numbers": [1, 2]}

    def change() -> None:
        for owner in owners:
            np.logical_not(owner, out=owner) if owner.dtype == bool else np.add(owner, 1, out=owner)
        if tree:
            tree["numbers"][0] += 1
            tree["views"].clear()
            tree.clear()

    return tree, change


def _view(owner: np.ndarray[Any, Any], random: Random) -> np.ndarray[Any, Any]:
    half = owner[: owner.size // 2 * 2]
    return random.choice((owner[::2], owner[::-1], half.reshape(-1, 2).T, half[: half.size // 2], owner[:0]))


def _training(random: Random) -> tuple[list[Any], Change]:
    """The variables of a network and its optimizer, and what trains and assigns them."""
    import dovetail as dt

    dt.random.set_seed(random.randrange(1 << 16))
    model = dt.layers.Sequential([dt.layers.Dense(512, activation="tanh"), dt.layers.Dense(64)])
    optimizer = dt.optimizers.Adam(0.001)
    x = dt.constant(np.random.default_rng(0).standard_normal((4, 256)).astype(np.float32))
    model(x)

    @dt.function
    def step(x: Any) -> Any:
        with dt.GradientTape() as tape:
            loss = dt.mean(dt.operations.square(model(x) - 1.0))
        variables = model.trainable_variables
        optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
        return loss

    step(x)
    variables = [*model.variables, *optimizer.variables]

    def train() -> None:
        step(x)
        variable = random.choice(model.variables)
        variable.assign_add(np.ones(variable.shape, np.float32))

    return variables, train
