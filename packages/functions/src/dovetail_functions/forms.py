"""Nested containers with arrays among their leaves: the arrays apart, and the form that puts them back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dovetail_protocols.arrays import is_variable, provider
from dovetail_protocols.boundary import is_number_list
from dovetail_protocols.operations import read_variable

from . import nested
from .nested import Structure

_NUMBERS = (bool, int, float, complex)


class Form:
    """A structure around arrays. `places` says which leaves are arrays; the others (None, strings, …) are kept."""

    __slots__ = ("_is_tuple", "is_single", "leaves", "places", "structure")

    def __init__(self, structure: Structure, leaves: list[Any], places: tuple[int, ...]) -> None:
        self.structure, self.leaves, self.places = structure, leaves, places
        self.is_single = structure.is_leaf() and len(places) == 1
        children = structure.children()
        self._is_tuple = structure.type is tuple and all(c.is_leaf() for c in children) and len(places) == len(children)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Form):
            return NotImplemented
        return self._key() == other._key()

    __hash__ = None  # type: ignore[assignment] # leaves may be anything

    def _key(self) -> tuple[Any, ...]:
        return self.structure, self.places, self.leaves

    def rebuild(self, arrays: Sequence[Any]) -> Any:
        """The structure around these arrays."""
        if self.is_single:
            return arrays[0]
        if self._is_tuple:  # the most common form, without what others cost
            return tuple(arrays)
        leaves = list(self.leaves)
        for place, array in zip(self.places, arrays, strict=True):
            leaves[place] = array
        return nested.unflatten(self.structure, leaves)

    def __str__(self) -> str:
        return nested.describe(self.structure)


def flatten_arrays(tree: Any) -> tuple[list[Any], Form]:
    """The arrays of a tree, in order, and its form. Numbers, NumPy arrays and variables' values become arrays."""
    leaves, structure = nested.flatten(tree, is_leaf=is_number_list)
    arrays: list[Any] = []
    places: list[int] = []
    for place, leaf in enumerate(leaves):
        array = _as_array(leaf)
        if array is not None:
            arrays.append(array)
            places.append(place)
            leaves[place] = None
    return arrays, Form(structure, leaves, tuple(places))


def _as_array(leaf: Any) -> Any | None:
    if provider().is_array(leaf):
        return leaf
    if is_variable(leaf):
        return read_variable(leaf)
    if isinstance(leaf, _NUMBERS) or is_number_list(leaf) or hasattr(type(leaf), "__array__"):
        return provider().convert(leaf)
    return None
