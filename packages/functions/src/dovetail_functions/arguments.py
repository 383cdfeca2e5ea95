"""From the arguments of a call to what a trace is looked up by: their form, and the arrays among them."""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping, Sequence
from functools import partial
from typing import Any

from dovetail_protocols.boundary import is_number_list
from dovetail_protocols.default_device import current_device
from dovetail_protocols.metas import Device, TensorMeta

from . import nested
from .leaves import array_of, kept, key_of
from .nested import Structure
from .patterns import Pattern
from .specs import Shape, TensorSpec, describe


class Arguments:
    """The arguments of one call, flattened.

    `form` is all that a trace depends on but the sizes of arrays: structure, dtypes, ranks, Python values, identities,
    and the current device, where the function makes new arrays.
    `leaves` are the leaves with arrays converted; `places` says which of them are arrays, and `arrays` has those, or
    TensorSpecs that stand for some. `positional` names positional arguments.
    """

    __slots__ = ("arrays", "form", "leaves", "places", "positional", "structure")

    def __init__(
        self,
        structure: Structure,
        leaves: list[Any],
        keys: Sequence[Hashable],
        places: tuple[int, ...],
        positional: Sequence[str],
    ) -> None:
        self.structure, self.leaves, self.places, self.positional = structure, leaves, places, positional
        full = list(keys)
        self.arrays = [leaves[place] for place in places]
        for place, array in zip(places, self.arrays, strict=True):
            full[place] = ("array", array.dtype, array.device, len(array.shape))
        self.form = (structure, tuple(full), current_device())

    def with_arrays(self, arrays: Sequence[Any]) -> Arguments:
        """The same arguments with other arrays in place of these."""
        return Arguments(self.structure, self._around(arrays), self.form[1], self.places, self.positional)

    def with_shapes(self, pattern: Pattern) -> Arguments:
        """The same arguments with a TensorSpec in place of each array, and without the objects among them."""
        metas = zip(pattern, self.metas, strict=True)
        specs = [TensorSpec(shape, meta.dtype, None, meta.device) for shape, meta in metas]
        kept_leaves = [leaf if place in self.places else kept(leaf) for place, leaf in enumerate(self.leaves)]
        plain = Arguments(self.structure, kept_leaves, self.form[1], self.places, self.positional)
        return plain.with_arrays(specs)

    @property
    def current_device(self) -> Device:
        """The current device at the call."""
        return self.form[2]

    @property
    def shapes(self) -> list[Shape]:
        """The shapes of the arrays; None for a size that a TensorSpec leaves open."""
        return [array.shape for array in self.arrays]

    @property
    def metas(self) -> list[TensorMeta]:
        """The metas of the arrays, with 0 for a size that a TensorSpec leaves open."""
        return [
            TensorMeta(tuple(0 if s is None else s for s in a.shape), a.dtype, a.device)
            if isinstance(a, TensorSpec)
            else a.meta
            for a in self.arrays
        ]

    def rebuild(self, arrays: Sequence[Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Positional and keyword arguments with other arrays, or what stands for them, in place of these."""
        args, kwargs = nested.unflatten(self.structure, self._around(arrays))
        return args, kwargs

    def _around(self, arrays: Sequence[Any]) -> list[Any]:
        leaves = list(self.leaves)
        for place, array in zip(self.places, arrays, strict=True):
            leaves[place] = array
        return leaves

    def names(self) -> list[str]:
        """A name for each array, for readers of the graph: "x", "params['kernel']"."""
        paths = nested.leaf_paths(self.structure)
        return [self.name_of(paths[place]) for place in self.places]

    def name_of(self, path: str) -> str:
        """The argument at a path into (args, kwargs), as a person would write it."""
        return argument_name(path, self.positional)

    def describe(self, pattern: Pattern) -> str:
        """The arguments for a reader: "x: float32[?,3], training=True"."""
        shapes = dict(zip(self.places, pattern, strict=True))
        parts = []
        for place, path in enumerate(nested.leaf_paths(self.structure)):
            name, leaf = argument_name(path, self.positional), self.leaves[place]
            known = shapes.get(place)
            parts.append(f"{name}={_shown(leaf)}" if known is None else f"{name}: {describe(known, leaf.dtype)}")
        return ", ".join(parts)


def flatten_arguments(
    args: tuple[Any, ...], kwargs: Mapping[str, Any], positional: Sequence[str], *, specs: bool = False
) -> Arguments:
    """The arguments of a call, flattened; NumPy arrays and lists of numbers become tensors. With `specs` a TensorSpec
    stands for a tensor.

    Raises: SignatureError for a value that no trace can be keyed by.
    """
    leaves, structure = nested.flatten((args, dict(kwargs)), is_leaf=is_number_list)
    keys: list[Hashable] = []
    places: list[int] = []
    for place, leaf in enumerate(leaves):
        array = leaf if specs and isinstance(leaf, TensorSpec) else array_of(leaf)
        if array is None:
            keys.append(key_of(leaf, partial(_name_of_leaf, structure, place, positional)))
            continue
        leaves[place] = array
        places.append(place)
        keys.append("array")  # completed by Arguments
    return Arguments(structure, leaves, keys, tuple(places), positional)


def _name_of_leaf(structure: Structure, place: int, positional: Sequence[str]) -> str:
    return argument_name(nested.leaf_paths(structure)[place], positional)


_PATH = re.compile(r"\[(?P<part>[01])\]\[(?P<key>'[^']*'|\d+)\](?P<rest>.*)", re.DOTALL)


def argument_name(path: str, positional: Sequence[str] = ()) -> str:
    """A path into (args, kwargs) as a person would write it: "[0][1]['a']" → "params['a']"; "[1]['x']" → "x"."""
    found = _PATH.fullmatch(path)
    if found is None:
        return path
    key = found["key"].strip("'")
    if found["part"] == "0":
        key = positional[int(key)] if int(key) < len(positional) else key
    return key + found["rest"]


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"a {type(value).__name__}"
