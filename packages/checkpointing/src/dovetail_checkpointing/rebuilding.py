"""A tree as it was saved, built from a manifest alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dovetail_protocols.errors import CheckpointCorruptError

from .manifest import Manifest
from .object_tree import Path, shown


def rebuild(manifest: Manifest, arrays: Mapping[Path, Any], is_wanted: Any = None) -> Any:
    """Dicts, lists and tuples with the given arrays and the manifest's scalars; objects come back as dicts of what they
    held, named tuples as dicts of their fields. What stood twice is one object again. `is_wanted` picks names.

    Raises: CheckpointCorruptError where the paths of a manifest make no tree.
    """
    leaves = every = {**arrays, **manifest.scalars}
    if is_wanted is not None:
        leaves = {path: leaf for path, leaf in every.items() if is_wanted(shown(path))}
    if len(leaves) == 1 and () in leaves:
        return leaves[()]
    nodes: dict[Path, dict[str | int, Any]] = {}
    try:
        _node(nodes, leaves, ())
        if is_wanted is None:
            for path in manifest.containers:
                _node(nodes, leaves, path)
        for path, leaf in leaves.items():
            _node(nodes, leaves, path[:-1])[path[-1]] = leaf
        for alias, original in manifest.aliases.items():
            if is_wanted is not None and original in every and not is_wanted(shown(alias)):
                continue
            target = every.get(original, nodes.get(original))
            if target is not None:
                node = _node(nodes, leaves, alias[:-1])
                if alias[-1] in node:
                    raise KeyError(f"{shown(alias)} is an alias, and something else")
                node[alias[-1]] = target
            elif is_wanted is None:
                raise KeyError(original)
        return _finished(manifest, nodes, is_whole=is_wanted is None)
    except (KeyError, IndexError, TypeError, RecursionError) as error:
        raise CheckpointCorruptError(
            "the paths of a checkpoint make no tree", cause=f"{error}", effect="nothing was restored"
        ) from error


def _node(nodes: dict[Path, dict[str | int, Any]], leaves: Mapping[Path, Any], path: Path) -> dict[str | int, Any]:
    """The dict at a path, made with those that it is in."""
    found = nodes.get(path)
    if found is None:
        if path in leaves:
            raise KeyError(f"{shown(path)} is a value, and has values below it")
        found = nodes[path] = {}
        if path:
            _node(nodes, leaves, path[:-1])[path[-1]] = found
    return found


def _finished(manifest: Manifest, nodes: dict[Path, dict[str | int, Any]], *, is_whole: bool) -> Any:
    """Dicts turned into the lists and tuples that they stand for. Lists are there, empty, before anything is put in
    place, for they may stand anywhere, in themselves too."""
    made: dict[int, Any] = {}
    tuples: dict[int, list[Any]] = {}
    lists: list[tuple[list[Any], list[Any]]] = []
    for path, node in nodes.items():
        kind = manifest.containers.get(path, "dict")
        if kind == "dict":
            continue
        if is_whole and set(node) != set(range(len(node))):
            raise KeyError(f"{shown(path)} is a {kind}, and has {', '.join(map(str, list(node)[:5]))}")
        values = [node[place] for place in sorted(node, key=_as_place)]
        if kind == "tuple":
            tuples[id(node)] = values
        else:
            made[id(node)] = found = list[Any]()
            lists.append((found, values))

    def resolved(value: Any) -> Any:
        held = tuples.get(id(value))
        if held is not None and id(value) not in made:
            made[id(value)] = tuple(map(resolved, held))
        return made.get(id(value), value)

    for found, values in lists:
        found += map(resolved, values)
    for path, node in nodes.items():
        if manifest.containers.get(path, "dict") == "dict":
            for key, value in node.items():
                node[key] = resolved(value)
    return resolved(nodes[()])


def _as_place(key: str | int) -> int:
    if not isinstance(key, int):
        raise KeyError(f"{key!r} in a list")
    return key
