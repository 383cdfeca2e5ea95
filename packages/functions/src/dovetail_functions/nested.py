"""Nested containers as arguments and results: the one file that knows optree.

Containers are tuples, named tuples, lists, dicts (in any order of keys), ordered dicts, and what is registered with
optree. None is a leaf.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import optree

from dovetail_protocols.errors import StructureError

Structure = optree.PyTreeSpec


def flatten(tree: Any, is_leaf: Callable[[Any], bool] | None = None) -> tuple[list[Any], Structure]:
    """The leaves of a tree, and its structure, which can be hashed and compared. Nothing below `is_leaf` is opened."""
    leaves, structure = optree.tree_flatten(tree, is_leaf=is_leaf, none_is_leaf=True)
    return leaves, structure


def unflatten(structure: Structure, leaves: Iterable[Any]) -> Any:
    """Containers of that structure around other leaves."""
    return optree.tree_unflatten(structure, leaves)


def flatten_up_to(structure: Structure, tree: Any, *, what: str) -> list[Any]:
    """What stands in a tree where the structure has its leaves, branches included.

    Raises: StructureError naming `what` where the tree differs above the leaves.
    """
    try:
        return list(structure.flatten_up_to(tree))
    except ValueError as error:
        raise StructureError(
            f"{what} has another structure", where=what, expected=describe(structure), got=f"{error}"
        ) from error


def flatten_like(structure: Structure, tree: Any, *, what: str) -> list[Any]:
    """The leaves of a tree that must have the given structure.

    Raises: StructureError naming `what` otherwise.
    """
    leaves, found = flatten(tree)
    if found != structure:
        raise StructureError(
            f"{what} has another structure", where=what, expected=describe(structure), got=describe(found)
        )
    return leaves


def leaf_paths(structure: Structure) -> Sequence[str]:
    """Where each leaf is, as one would index it: "[0]['kernel']"; "" for a bare leaf."""
    return [accessor.codify("") for accessor in structure.accessors()]


def describe(structure: Structure) -> str:
    """The structure as a person would write it: "(*, [*, *])"."""
    return str(structure).removeprefix("PyTreeSpec(").removesuffix(")").removesuffix(", NoneIsLeaf")
