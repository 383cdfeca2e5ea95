"""What checks of checkpoint formats save: trees of arrays, variables, scalars and objects with state; and what they
compare: leaves by path, to the bit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from dovetail_protocols import dtypes as dt
from dovetail_protocols.arrays import is_variable
from dovetail_protocols.roles import SupportsCheckpoint

from ..cases import SEED, Buffer
from ..host_variable import HostVariable
from ..layouts import LAYOUTS, place
from ..numpy_dtypes import numpy_dtype
from .states import SCALARS, bits, drawn

Make = Callable[[int | None], Any]
"""Makes a tree whose values follow from a seed; None: one of the same structure with zeros, to be restored into."""


class StatefulObject:
    """An object with checkpoint state: children by name, and scalars."""

    def __init__(self, children: Mapping[str, Any], **scalars: Any) -> None:
        self.children, self.scalars = children, scalars

    def checkpoint_state(self) -> Mapping[str, Any]:
        return {**self.children, **self.scalars}

    def load_checkpoint_state(self, scalars: Mapping[str, Any]) -> None:
        self.scalars.update(scalars)


class Values:
    """Arrays, variables and scalars of one tree, each with other values; or blank ones."""

    def __init__(self, seed: int | None) -> None:
        self.generator = None if seed is None else np.random.default_rng([SEED, seed])

    def array(self, *shape: int, dtype: dt.DType = dt.float32) -> Buffer:
        if self.generator is None:
            return np.zeros(shape, numpy_dtype(dtype.name))
        return drawn(self.generator, shape, dtype)

    def variable(self, *shape: int, dtype: dt.DType = dt.float32) -> HostVariable:
        return HostVariable(self.array(*shape, dtype=dtype))

    def scalar(self, value: Any) -> Any:
        return type(value)() if self.generator is None else value


Path = tuple[object, ...]


def leaves_of(tree: Any, path: Path = ()) -> dict[Path, Any]:
    """Arrays, variables and scalars by path, those of objects with state too."""
    if isinstance(tree, SupportsCheckpoint):
        tree = tree.checkpoint_state()
    if isinstance(tree, list | tuple):
        tree = dict(enumerate(tree))
    if not isinstance(tree, Mapping):
        return {path: tree}
    found: dict[Path, Any] = {}
    for name, child in tree.items():
        found |= leaves_of(child, (*path, name))
    return found


def bits_of(tree: Any) -> dict[Path, Any]:
    """What tells two trees apart: every leaf's type, and every bit."""
    return {path: _leaf_bits(leaf) for path, leaf in leaves_of(tree).items()}


def _leaf_bits(leaf: Any) -> Any:
    if isinstance(leaf, float):
        return "float", leaf.hex()
    return (type(leaf).__name__, leaf) if isinstance(leaf, SCALARS) else bits(leaf)


def in_place_bits(tree: Mapping[str, Any]) -> dict[Path, Any]:
    """The bits of what a restore changes in place: variables, and all that the tree's objects hold."""
    found = {path: leaf for path, leaf in leaves_of(tree).items() if is_variable(leaf)}
    for name, owner in tree.items():
        if isinstance(owner, SupportsCheckpoint):
            found |= leaves_of(owner, (name,))
    return {path: _leaf_bits(leaf) for path, leaf in found.items()}


def of_dtype(dtype: dt.DType) -> Make:
    """A tree of one dtype: matrices, 0-d and empty arrays, and for floats what comparing can't tell apart."""

    def make(seed: int | None) -> Any:
        values = Values(seed)
        shapes: dict[str, tuple[int, ...]] = {"matrix": (5, 3), "scalar": (), "empty": (0, 3), "one": (1, 1, 1)}
        tree: dict[str, Any] = {name: values.array(*shape, dtype=dtype) for name, shape in shapes.items()}
        tree["variable"] = values.variable(7, dtype=dtype)
        if dtype.is_differentiable:
            special = np.array([-0.0, 0.0, np.nan, -np.nan, 1.0, -1.0]).astype(numpy_dtype(dtype.name))
            tree["special"] = special if seed is not None else np.zeros_like(special)
        return tree

    return make


def laid_out(seed: int | None) -> Any:
    """A tree of arrays in every memory layout."""
    values = Values(seed)
    return {layout: place(values.array(4, 3), layout).array for layout in LAYOUTS}


def nested(seed: int | None) -> Any:
    """Containers in containers, and scalars of every kind."""
    v = Values(seed)
    numbers = {"n": 3, "large": -(2**70), "flag": True, "x": 1 / 3, "zero": -0.0, "infinite": float("inf")}
    scalars = numbers | {"text": "é, \n"}
    return {
        "outer": {"inner": {"list": [v.array(2), [v.array(3), v.array(2)]], "tuple": (v.array(2, 2), v.scalar(1))}},
        "scalars": {name: v.scalar(value) for name, value in scalars.items()} | {"nothing": None},
    }


def objects(seed: int | None) -> Any:
    """A model of a variable and two layers, with scalars of its own, and a step."""
    v = Values(seed)
    layers = [StatefulObject({"bias": v.variable(2), "kernel": v.variable(2, 2)}) for _ in range(2)]
    children = {"kernel": v.variable(3, 2), "layers/0": layers[0], "layers/1": layers[1]}
    model = StatefulObject(children, epoch=v.scalar(7), rate=v.scalar(0.25), name=v.scalar("net"))
    return {"model": model, "step": v.variable(dtype=dt.int64)}


def optimizer(seed: int | None) -> Any:
    """An optimizer's state, of twelve slots: more than one digit's worth."""
    v = Values(seed)
    slots = {f"slots/{place}/first_moment": v.variable(3) for place in range(12)}
    counters = {"iterations": v.variable(dtype=dt.int64), "learning_rate": v.variable()}
    return {"optimizer": StatefulObject(counters | slots)}


def large(seed: int | None) -> Any:
    """A few arrays of a megabyte, and many of one element."""
    v = Values(seed)
    return {"large": [v.array(1 << 18), v.array(1 << 17, dtype=dt.int64)], "many": [v.array(1) for _ in range(100)]}


TREES: dict[str, Make] = {
    "nested": nested,
    "objects": objects,
    "optimizer": optimizer,
    "large": large,
    "layouts": laid_out,
}


def small(seed: int | None) -> Any:
    """Variables, arrays and scalars, for checks that restore many times."""
    v = Values(seed)
    model = StatefulObject({"kernel": v.variable(2, 3), "bias": v.variable(3)}, epoch=0 if seed is None else seed)
    return {"a": v.variable(20), "array": v.array(4, dtype=dt.int32), "model": model, "z": v.variable(2, 3)}
