"""Nested containers as arguments and results: the one file that knows optree."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import optree

from dovetail_protocols.errors import StructureError

Structure = optree.PyTreeSpec


def flatten(tree: Any) -> tuple[list[Any], Structure]:
    """The leaves of nested tuples, lists, dicts and named tuples, and the structure around them. None has no leaves."""
    leaves, structure = optree.tree_flatten(tree)
    return leaves, structure


def unflatten(structure: Structure, leaves: Sequence[Any]) -> Any:
    """Containers of that structure around other leaves."""
    return optree.tree_unflatten(structure, leaves)


def map_leaves(function: Callable[..., Any], tree: Any, *others: Any) -> Any:
    """The tree with `function` applied to its leaves (and to what stands in the same place of the others)."""
    return optree.tree_map(function, tree, *others)


def leaf_paths(tree: Any) -> list[str]:
    """Where each leaf is, as one would index it: "[0]['kernel']"; "" for a bare leaf. For messages: it is slow."""
    return [accessor.codify("") for accessor in optree.tree_accessors(tree)]


def flatten_like(structure: Structure, tree: Any, *, what: str) -> list[Any]:
    """The leaves of a tree that must have the given structure.

    Raises: StructureError naming `what` otherwise.
    """
    leaves, found = flatten(tree)
    if found != structure:
        raise StructureError(
            f"{what} has another structure", expected=describe(structure), got=describe(found), where=what
        )
    return leaves


def broadcast_prefix(prefix: Any, structure: Structure, *, what: str) -> list[Any]:
    """One entry for each leaf: `prefix` is a tree whose leaves may stand for whole branches, and None is a leaf of it.

    Raises: StructureError naming `what` where it is no prefix of the structure.
    """
    whole = optree.tree_unflatten(structure, range(structure.num_leaves))
    try:
        return list(optree.broadcast_prefix(prefix, whole, is_leaf=lambda node: node is None))
    except ValueError as error:
        raise StructureError(
            f"{what} doesn't fit the arguments",
            expected=f"a prefix of {describe(structure)}",
            got=repr(prefix),
            where=what,
        ) from error


def describe(structure: Structure) -> str:
    """The structure as a person would write it: "(*, [*, *])"."""
    return str(structure).removeprefix("PyTreeSpec(").removesuffix(")")


def leaves_with_none(tree: Any) -> list[Any]:
    """The leaves of nested containers, where None is a leaf."""
    return optree.tree_leaves(tree, none_is_leaf=True)
