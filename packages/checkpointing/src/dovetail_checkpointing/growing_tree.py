"""A tree whose objects get children later: what is in it now, and what has come since it was looked at last.

Objects that support late state tell when an attribute is set. Lists and dicts tell nobody when they change, nor do
objects without late state: those are compared with what they held before.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from operator import is_
from typing import Any

from dovetail_protocols.arrays import is_variable
from dovetail_protocols.roles import SupportsCheckpoint, SupportsLateState, SupportsPartialState

from .object_tree import SCALARS, Path, children, is_array, shown, split
from .shard import Shard


@dataclass
class Found:
    """Parts of a tree by path: variables, the Shards as which some of them stand, objects, those among them that tell
    of attributes being set, and the paths of each object's scalars with the names that it has for them."""

    variables: dict[Path, Any] = field(default_factory=dict)
    shards: dict[Path, Shard] = field(default_factory=dict)
    owners: dict[Path, SupportsCheckpoint] = field(default_factory=dict)
    telling: dict[Path, SupportsLateState] = field(default_factory=dict)
    scalars: dict[Path, dict[Path, str]] = field(default_factory=dict)


class GrowingTree:
    """A tree that is looked at where `matters(path)`: where something may still come, at that path or below it."""

    def __init__(self, tree: Any, matters: Callable[[Path], bool]) -> None:
        self._tree, self._matters = tree, matters
        self._telling: dict[Path, Any] = {}
        self._silent: dict[Path, _Silent] = {}

    def everything(self) -> Found:
        """All that matters in the tree."""
        return self._look([((), self._tree)])

    def grown(self) -> Found:
        """What is new in lists, dicts and objects that don't tell."""
        return self._look(self._changed())

    def grown_below(self, owner: SupportsCheckpoint, path: Path, name: str) -> Found:
        """The same, and what is in an attribute of an object, right after it was set or deleted."""
        changed = self._changed()
        found = self._look(changed)
        if self._telling.get(path) is not owner or not self._matters((*path, name)):
            return found  # it stands there no longer, or nothing waits
        self._forget((*path, name))
        self._watch(path, owner)  # it may hold other lists now
        parts = [((*path, *split(child)), value) for child, value in _state_of(owner, name).items()]
        return self._look(parts, found)

    def _changed(self) -> list[tuple[Path, Any]]:
        """What has changed, without what stands below such: it may stand there no longer."""
        changed: dict[Path, Any] = {}
        for path, silent in list(self._silent.items()):
            if not self._matters(path):
                del self._silent[path]
            elif silent.has_changed():
                changed[path] = silent.holder
        return [
            (path, holder)
            for path, holder in changed.items()
            if not any(path[:length] in changed for length in range(len(path)))
        ]

    def _look(self, parts: list[tuple[Path, Any]], found: Found | None = None) -> Found:
        found, seen = found or Found(), set[int]()
        for path, value in parts:
            self._forget(path)
            self._meet(path, value, None, found, seen)
        return found

    def _forget(self, path: Path) -> None:
        """Knows nothing any more of what stood at a path or below it."""
        for known in (self._silent, self._telling):
            for old in [old for old in known if old[: len(path)] == path]:
                del known[old]

    def _meet(self, path: Path, value: Any, owner: Path | None, found: Found, seen: set[int]) -> None:
        """Takes note of what stands at a path, below an object at `owner`."""
        if not self._matters(path):
            return
        if isinstance(value, SCALARS):
            if owner is not None:
                found.scalars.setdefault(owner, {})[path] = shown(path[len(owner) :])
            return
        shard, value = (value, value.value) if isinstance(value, Shard) else (None, value)
        if id(value) in seen:
            return
        seen.add(id(value))
        if is_variable(value):
            found.variables[path] = value
            if shard is not None:
                found.shards[path] = shard
        elif isinstance(value, SupportsCheckpoint):
            found.owners[path] = value
            if isinstance(value, SupportsLateState):
                self._telling[path] = found.telling[path] = value
            self._watch(path, value)
            for name, child in value.checkpoint_state().items():
                self._meet((*path, *split(name)), child, path, found, seen)
        elif not is_array(value):
            self._silent[path] = _Silent(value, [value])
            for key, child in children(path, value):
                self._meet((*path, key), child, owner, found, seen)

    def _watch(self, path: Path, owner: SupportsCheckpoint) -> None:
        sources = list(owner.state_containers()) if isinstance(owner, SupportsPartialState) else [owner]
        if sources:
            self._silent[path] = _Silent(owner, sources)
        else:
            self._silent.pop(path, None)


class _Silent:
    """Something that doesn't tell when its children change: those in `sources` are compared."""

    def __init__(self, holder: Any, sources: list[Any]) -> None:
        self.holder = holder
        self._sources = sources
        self._held = [_contents(source) for source in sources]

    def has_changed(self) -> bool:
        """Whether anything came, went or was replaced since this was asked last."""
        before, self._held = self._held, [_contents(source) for source in self._sources]
        return not all(map(_are_same, before, self._held))


Contents = tuple[list[Any], list[Any]]


def _contents(source: Any) -> Contents:
    """The names in a container or object, and what has them."""
    if isinstance(source, list | tuple):
        return [], list(source)
    named: Mapping[Any, Any] = source if isinstance(source, Mapping) else source.checkpoint_state()
    return list(named), list(named.values())


def _are_same(ones: Contents, others: Contents) -> bool:
    return ones[0] == others[0] and len(ones[1]) == len(others[1]) and all(map(is_, ones[1], others[1]))


def _state_of(owner: SupportsCheckpoint, name: str) -> Mapping[str, Any]:
    """The children of an object that stand in one of its attributes."""
    if isinstance(owner, SupportsPartialState):
        return owner.checkpoint_state_of(name)
    return {child: value for child, value in owner.checkpoint_state().items() if child.partition("/")[0] == name}
