"""From objects to what is saved: arrays and scalars by object path, in the order in which they are met.

A *tree* is a dict, list or tuple (nested) of arrays, variables, scalars, and objects that have checkpoint state:
modules, optimizers, generators. Keys keep their type: the path of `{"k": {3: x}}` is ("k", 3).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from dovetail_protocols.arrays import is_variable
from dovetail_protocols.errors import StructureError
from dovetail_protocols.roles import SupportsCheckpoint

from .shard import Shard
from .uncollected import uncollected

Path = tuple[str | int, ...]
_INDEX = re.compile("0|[1-9][0-9]*")
SCALARS = (bool, int, float, str, bytes, type(None))
_SURROGATE = re.compile("[\ud800-\udfff]")
CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
"""What no name in a checkpoint has: control characters, and halves of surrogate pairs, which are no text."""


@dataclass
class Flattened:
    """A tree taken apart. An object met twice stands under its first path; `aliases` maps later paths to it.
    `containers`: the lists, tuples and empty dicts of the tree itself, by which it can be built again."""

    tensors: dict[Path, Any] = field(default_factory=dict)
    scalars: dict[Path, Any] = field(default_factory=dict)
    aliases: dict[Path, Path] = field(default_factory=dict)
    owners: dict[Path, SupportsCheckpoint] = field(default_factory=dict)
    containers: dict[Path, Literal["dict", "list", "tuple"]] = field(default_factory=dict)
    shards: dict[Path, Shard] = field(default_factory=dict)
    """Of which whole the tensors are parts that stood as a Shard; `tensors` has the parts themselves."""


@uncollected
def flatten(tree: Any) -> Flattened:
    """Every array, variable, scalar and stateful object in a tree.

    Raises: StructureError naming the path of what can't be saved.
    """
    flattened = Flattened()
    seen: dict[int, Path] = {}
    _flatten((), tree, flattened, seen)
    return flattened


def _flatten(path: Path, value: Any, into: Flattened, seen: dict[int, Path]) -> None:
    if isinstance(value, SCALARS):
        if isinstance(value, str) and _SURROGATE.search(value):
            raise _refusal(path, f"{value!r:.80} is no text: it has half of a surrogate pair", "text, or bytes")
        into.scalars[path] = value
        return
    if isinstance(value, Shard):
        _note_shard(seen.get(id(value.value), path), value, into)
        value = value.value
    if id(value) in seen:
        into.aliases[path] = seen[id(value)]
        return
    seen[id(value)] = path
    if is_variable(value) or is_array(value):
        if hasattr(value, "mask"):
            raise _refusal(
                path, "it is a masked array, whose mask would be lost", "its data and its mask, each an array"
            )
        into.tensors[path] = value
    elif isinstance(value, SupportsCheckpoint):
        into.owners[path] = value
        state = value.checkpoint_state()
        if not state:
            into.containers[path] = "dict"
        for name, child in state.items():
            _flatten((*path, *split(name)), child, into, seen)
    else:
        held = list(children(path, value))
        if isinstance(value, list):
            into.containers[path] = "list"
        elif isinstance(value, tuple) and not hasattr(value, "_fields"):
            into.containers[path] = "tuple"
        elif not held:
            into.containers[path] = "dict"
        for key, child in held:
            _flatten((*path, key), child, into, seen)


def _note_shard(path: Path, shard: Shard, into: Flattened) -> None:
    known = into.shards.setdefault(path, shard)
    if (known.starts, known.shape) != (shard.starts, shard.shape):
        raise _refusal(path, f"one array is two parts of tensors: {known} and {shard}", "one Shard for each array")


def split(name: str) -> Path:
    """A child's name as path: "layers/0" is ("layers", 0)."""
    return tuple(int(part) if _INDEX.fullmatch(part) else part for part in name.split("/"))


def children(path: Path, value: Any) -> Iterator[tuple[str | int, Any]]:
    """What a dict, list or tuple at a path holds, by key.

    Raises: StructureError for anything else, and for keys that no path can have.
    """
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str | int) or isinstance(key, bool):
                raise _refusal(path, f"the key {key!r} is a {type(key).__name__}", "keys that are str or int")
            if isinstance(key, str) and CONTROL.search(key):
                raise _refusal(path, f"the key {key!r} has control characters", "keys of text that can be shown")
        yield from value.items()
    elif isinstance(value, list | tuple):
        yield from zip(getattr(value, "_fields", range(len(value))), value, strict=True)
    else:
        raise _refusal(
            path,
            f"a value of type {type(value).__name__} is no array, variable, scalar or container, and has no state",
            "dict, list, tuple, array, variable, bool, int, float, str, None, or an object with checkpoint_state()",
        )


def is_array(value: Any) -> bool:
    """Whether a value is an array of any library: it exports a buffer through `__array__` or DLPack."""
    return hasattr(value, "dtype") and (hasattr(value, "__array__") or hasattr(value, "__dlpack__"))


def map_leaves(tree: Any, replace: Callable[[Path, Any], Any]) -> Any:
    """A tree of the same containers with each leaf replaced. A container that is met twice is one object there too."""
    made: dict[int, Any] = {}
    unfilled: list[tuple[Path, Any, Any]] = []

    def mapped(path: Path, value: Any) -> Any:
        if not isinstance(value, Mapping | list | tuple):
            return replace(path, value)
        if id(value) not in made:
            if isinstance(value, Mapping) or type(value) is list:  # there before what they hold, themselves perhaps
                new: Any = {} if isinstance(value, Mapping) else []
                made[id(value)] = new
                unfilled.append((path, value, new))
            else:
                made[id(value)] = _like(value, [mapped((*path, key), child) for key, child in children(path, value)])
        return made[id(value)]

    whole = mapped((), tree)
    while unfilled:
        path, value, new = unfilled.pop()
        for key, child in children(path, value):
            found = mapped((*path, key), child)
            if isinstance(new, dict):
                new[key] = found
            else:
                new.append(found)
    return whole


def _like(container: Any, held: list[Any]) -> Any:
    return type(container)(*held) if hasattr(container, "_fields") else type(container)(held)


def first_path(path: Path, aliases: Mapping[Path, Path]) -> Path:
    """Where what stands at a path was met first, be it an alias itself or below one."""
    for _ in range(len(path) if aliases else 0):  # each alias that is passed leaves less of the path to look at
        depth = next((depth for depth in range(1, len(path) + 1) if path[:depth] in aliases), None)
        if depth is None:
            break
        path = (*aliases[path[:depth]], *path[depth:])
    return path


def shown(path: Path) -> str:
    """A path for readers: "model/layers/0/kernel"."""
    return "/".join(map(str, path))


def _refusal(path: Path, cause: str, expected: str) -> StructureError:
    return StructureError("this can't be saved", where=shown(path) or "the tree itself", cause=cause, expected=expected)
