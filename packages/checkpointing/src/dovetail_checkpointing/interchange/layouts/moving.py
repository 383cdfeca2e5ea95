"""From another framework's arrays to a module's, and back. All names have "/" between their parts here.

What doesn't come back from a module's variables alone is the *remainder*: counters, and biases that became a sum. It is
kept under its own names where it is wanted, so that the way there and back is exact to the bit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import numpy as np

from dovetail_protocols.errors import CheckpointMismatchError

from ..contents import StoredArray
from . import keras, pytorch
from .part import Array, Part, same, unchanged
from .structure import Layer, joined

_FRAMEWORKS: Mapping[str, ModuleType] = {"keras": keras, "pytorch": pytorch}
_DUMMY = np.zeros((), np.uint8)


@dataclass
class Moved:
    """The arrays, by their new names; the remainder; what was needed and isn't there, and what is there unneeded."""

    arrays: dict[str, StoredArray] = field(default_factory=dict)
    remainder: dict[str, StoredArray] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    unexpected: dict[str, StoredArray] = field(default_factory=dict)
    differences: list[str] = field(default_factory=list)

    def take_rest(self, arrays: Mapping[str, StoredArray], used: set[str], framework: str) -> None:
        """Puts what no layer used where it belongs."""
        for name, array in arrays.items():
            if name not in used:
                is_remainder = _FRAMEWORKS[framework].is_remainder(name)
                (self.remainder if is_remainder else self.unexpected)[name] = array


def into_dovetail(arrays: Mapping[str, StoredArray], framework: str, layers: Mapping[str, Layer]) -> Moved:
    """A module's variables of another framework's arrays, whose names begin with the layers' paths.

    Raises: CheckpointMismatchError for a layer that the framework doesn't have.
    """
    moved = Moved()
    used: set[str] = set()
    for path, layer in layers.items():
        for part in _parts(framework, path, layer):
            names = [joined(path, name) for name in part.foreign]
            if not all(name in arrays for name in names):
                moved.missing += [f"{', '.join(names)} (for {joined(path, own)})" for own in part.own]
                used |= {name for name in names if name in arrays}
                continue
            used |= set(names)
            found = [arrays[name] for name in names]
            shapes = _shapes(part.into, found)
            for position, own in enumerate(part.own):
                wanted = layer.shapes[own]
                if shapes is None or position >= len(shapes) or shapes[position] != wanted:
                    shown = ", ".join(f"{name} {list(array.shape)}" for name, array in zip(names, found, strict=True))
                    moved.differences.append(f"{joined(path, own)} {list(wanted)}: {shown} doesn't fit")
                elif shapes is not None:
                    moved.arrays[joined(path, own)] = _made(part.into, found, position, shapes[position])
            if not part.is_exact and shapes is not None and not _comes_back(part, found):
                moved.remainder |= dict(zip(names, found, strict=True))
    moved.take_rest(arrays, used, framework)
    return moved


def from_dovetail(arrays: Mapping[str, StoredArray], framework: str, layers: Mapping[str, Layer]) -> Moved:
    """Another framework's arrays of a module's variables; of the remainder, what still belongs to them.

    Raises: CheckpointMismatchError for a layer that the framework doesn't have.
    """
    moved = Moved()
    used: set[str] = set()
    for path, layer in layers.items():
        parts = _parts(framework, path, layer)
        with_counterpart = {own for part in parts for own in part.own}
        used |= {joined(path, own) for own in layer.shapes if own not in with_counterpart}
        for part in parts:
            owns = [joined(path, own) for own in part.own]
            used |= set(owns)
            if not all(own in arrays for own in owns):
                moved.missing += [own for own in owns if own not in arrays]
                continue
            found = [arrays[own] for own in owns]
            odd = [own for own, array in zip(part.own, found, strict=True) if array.shape != layer.shapes[own]]
            if odd:
                moved.differences += [f"{joined(path, own)}: the module has {list(layer.shapes[own])}" for own in odd]
                continue
            names = [joined(path, name) for name in part.foreign]
            kept = [arrays[name] for name in names if name in arrays]
            used |= set(names) & set(arrays)
            if not part.is_exact and len(kept) == len(names) and _still_gives(part, kept, found):
                moved.arrays |= dict(zip(names, kept, strict=True))
                continue
            shapes = _shapes(part.out, found) or ()
            for position, (name, shape) in enumerate(zip(names, shapes, strict=True)):
                moved.arrays[name] = _made(part.out, found, position, shape)
    moved.take_rest(arrays, used, framework)
    return moved


def _parts(framework: str, path: str, layer: Layer) -> Sequence[Part]:
    """The parts of a layer. Variables of a module that says nothing of them are called the same everywhere."""
    if layer.weight_layout is None:
        return [same(name, name) for name in layer.shapes]
    module = _FRAMEWORKS[framework]
    if layer.weight_layout not in module.LAYOUTS:
        raise CheckpointMismatchError(
            f"no counterpart of a layout is known in {framework}",
            where=path or "the module itself",
            got=layer.weight_layout,
            expected=", ".join(sorted(module.LAYOUTS)),
        )
    try:
        parts: Sequence[Part] = module.parts(layer.weight_layout, layer.shapes)
    except CheckpointMismatchError as error:
        error.where = f"{path or 'the module itself'}: {error.where}"
        raise
    return parts


def _shapes(move: Callable[..., Sequence[Array]], arrays: Sequence[StoredArray]) -> tuple[tuple[int, ...], ...] | None:
    """The shapes that a move would give, found on arrays without contents; None where it can't move these."""
    dummies = [np.broadcast_to(_DUMMY, array.shape) for array in arrays]
    try:
        return tuple(array.shape for array in move(dummies))
    except (ValueError, IndexError):
        return None


def _made(
    move: Callable[..., Sequence[Array]], arrays: Sequence[StoredArray], position: int, shape: tuple[int, ...]
) -> StoredArray:
    """One result of a move, which is made when it is read. Tied arrays stay tied where nothing moves."""

    def read() -> np.ndarray[Any, Any]:
        return move([array.read() for array in arrays])[position]

    return StoredArray(arrays[0].dtype, shape, read, arrays[0].identity if move is unchanged else None)


def _comes_back(part: Part, arrays: Sequence[StoredArray]) -> bool:
    values = [array.read() for array in arrays]
    return _are_same_bits(part.out(part.into(values)), values)


def _still_gives(part: Part, kept: Sequence[StoredArray], own: Sequence[StoredArray]) -> bool:
    """Whether a remainder is that of these variables: they may have been trained since."""
    return _are_same_bits(part.into([array.read() for array in kept]), [array.read() for array in own])


def _are_same_bits(first: Sequence[Array], second: Sequence[Array]) -> bool:
    return all(
        one.dtype == other.dtype and one.shape == other.shape and one.tobytes() == other.tobytes()
        for one, other in zip(first, second, strict=True)
    )
