"""From what a traced function returns to the outputs of its graph, and back from arrays to what the caller gets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dovetail_protocols.arrays import is_variable, provider
from dovetail_protocols.operations import read_variable

from . import nested
from .leaves import is_number_list
from .nested import Structure

_NUMBERS = (bool, int, float, complex)


class ResultForm:
    """The structure of a function's result. `places` says which leaves are arrays; the others, strings or None, are as
    they were at the trace."""

    __slots__ = ("is_single", "leaves", "places", "structure")

    def __init__(self, structure: Structure, leaves: list[Any], places: tuple[int, ...]) -> None:
        self.structure, self.leaves, self.places = structure, leaves, places
        self.is_single = structure.is_leaf() and len(places) == 1

    def rebuild(self, arrays: Sequence[Any]) -> Any:
        """The result around these arrays."""
        if self.is_single:
            return arrays[0]
        leaves = list(self.leaves)
        for place, array in zip(self.places, arrays, strict=True):
            leaves[place] = array
        return nested.unflatten(self.structure, leaves)


def flatten_result(result: Any) -> tuple[list[Any], ResultForm]:
    """The arrays of a result, in order, and its form. Numbers, NumPy arrays and variables' values become arrays."""
    leaves, structure = nested.flatten(result, is_leaf=is_number_list)
    arrays: list[Any] = []
    places: list[int] = []
    for place, leaf in enumerate(leaves):
        array = _as_array(leaf)
        if array is not None:
            arrays.append(array)
            places.append(place)
            leaves[place] = None
    return arrays, ResultForm(structure, leaves, tuple(places))


def _as_array(leaf: Any) -> Any | None:
    if provider().is_array(leaf):
        return leaf
    if is_variable(leaf):
        return read_variable(leaf)
    if isinstance(leaf, _NUMBERS) or is_number_list(leaf) or hasattr(type(leaf), "__array__"):
        return provider().convert(leaf)
    return None
