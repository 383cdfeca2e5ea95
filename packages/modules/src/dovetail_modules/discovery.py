"""How a module's variables and submodules are found: by walking its attributes, with no registration.

Order: the module's own attributes sorted by name, containers in their order (dicts by sorted key); then each submodule
in the order in which it was met, the same way. Everything appears once; cycles end. Source: `tf.Module`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

from dovetail_protocols.arrays import is_variable
from dovetail_protocols.errors import StructureError
from dovetail_protocols.roles import SupportsVariables

Path = tuple[str | int, ...]


def own_attributes(module: Any) -> Iterator[tuple[str, Any]]:
    """The attributes that a walk looks at, sorted by name: all but those that the class lists as ignored."""
    ignored = type(module)._UNTRACKED
    for name in sorted(vars(module)):
        if name not in ignored:
            yield name, vars(module)[name]


def leaves(value: Any, path: Path, owner: Any, containers: tuple[int, ...] = ()) -> Iterator[tuple[Path, Any]]:
    """What a (nested) container holds, with paths; the value itself if it is none.

    Raises: StructureError for a container that has no order to rely on but holds variables or modules, for keys that
    can't be sorted, and for a container that holds itself.
    """
    if id(value) in containers:
        raise _refusal(path, owner, "the container holds itself")
    inside = (*containers, id(value))
    if isinstance(value, defaultdict | set | frozenset):
        if any(_is_tracked(item) for item in (value.values() if isinstance(value, defaultdict) else value)):
            raise _refusal(path, owner, f"a {type(value).__name__} can't be traversed; use a dict, list or tuple")
    elif isinstance(value, dict):
        try:
            keys = sorted(value)
        except TypeError as error:
            if not any(_is_tracked(item) for item in value.values()):
                return
            raise _refusal(path, owner, f"the dict's keys can't be sorted: {error}") from error
        for key in keys:
            yield from leaves(value[key], (*path, key), owner, inside)
    elif isinstance(value, list | tuple):
        names = getattr(value, "_fields", range(len(value)))
        for name, item in zip(names, value, strict=True):
            yield from leaves(item, (*path, name), owner, inside)
    else:
        yield path, value


def containers(value: Any) -> Iterator[Any]:
    """The lists and dicts in a value, itself included, however nested: what changes without an attribute being set."""
    found: dict[int, Any] = {}
    _containers(value, found)
    return (inside for inside in found.values() if not isinstance(inside, tuple))


def _containers(value: Any, found: dict[int, Any]) -> None:
    if isinstance(value, list | tuple | dict) and id(value) not in found:
        found[id(value)] = value
        for item in value.values() if isinstance(value, dict) else value:
            _containers(item, found)


def walk(module: Any, is_module: Callable[[Any], bool]) -> Iterator[tuple[Path, Any]]:
    """Every leaf reachable from a module, each object once, with the path by which it was met first."""
    return _walk(module, (), is_module, {id(module)})


def _walk(module: Any, prefix: Path, is_module: Callable[[Any], bool], seen: set[int]) -> Iterator[tuple[Path, Any]]:
    submodules = []
    for name, value in own_attributes(module):
        for path, leaf in leaves(value, (*prefix, name), module):
            if id(leaf) in seen:
                continue
            seen.add(id(leaf))
            yield path, leaf
            if is_module(leaf):
                submodules.append((path, leaf))
    for path, submodule in submodules:
        yield from _walk(submodule, path, is_module, seen)


def variables_of(leaf: Any, is_module: Callable[[Any], bool]) -> Iterator[tuple[Path, Any]]:
    """The variables that a leaf of a walk stands for: itself, or those of a foreign object that supports variables."""
    if is_variable(leaf):
        yield (), leaf
    elif not is_module(leaf) and not isinstance(leaf, type) and isinstance(leaf, SupportsVariables):
        for position, variable in enumerate(leaf.variables):
            yield ("variables", position), variable


def _is_tracked(value: Any) -> bool:
    return is_variable(value) or isinstance(value, SupportsVariables)


def _refusal(path: Path, owner: Any, cause: str) -> StructureError:
    return StructureError(
        f"attribute {path[0]!r} of {type(owner).__name__} can't be searched for variables",
        where=".".join(map(str, path)),
        cause=cause,
        fix="hold variables and modules in attributes, lists, tuples, named tuples or dicts with sortable keys",
    )
