"""Values of a checkpoint that nothing has taken yet, by typed path: where in a tree they belong, and what is left."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from .manifest import Manifest, TensorRecord
from .matching import unambiguous
from .object_tree import Path, shown


class WaitingValues:
    """All values of a checkpoint at first. Each is taken once: what was restored is the user's from then on.

    A value that stood at several paths is given at each, once; it counts as taken after the first.
    """

    def __init__(self, manifest: Manifest) -> None:
        records = {record.path: record for record in manifest.tensors}
        aliases = {alias: records[path] for alias, path in manifest.aliases.items() if path in records}
        self._tensors: dict[Path, TensorRecord] = records | aliases
        self._scalars = dict(manifest.scalars)
        self._left = dict.fromkeys((*records, *self._scalars))
        self._known = frozenset((*self._tensors, *self._scalars))
        self._by_name = unambiguous((*self._tensors, *self._scalars))
        self._below = Counter(prefix for path in self._known for prefix in _prefixes(path))

    def __bool__(self) -> bool:
        return bool(self._left)

    @property
    def names(self) -> tuple[str, ...]:
        """The paths of what nothing has taken, as they read."""
        return tuple(map(shown, self._left))

    @property
    def records(self) -> tuple[TensorRecord, ...]:
        """The tensors that nothing has taken."""
        return tuple(self._tensors[path] for path in self._left if path in self._tensors)

    def knows(self, path: Path) -> bool:
        """Whether the checkpoint has a value for a path, taken or not."""
        return self._source(path) is not None

    def wait_at_or_below(self, path: Path) -> bool:
        """Whether anything waits at a path or below it: where nothing does, nobody needs to look."""
        return not path or self._below[shown(path)] > 0

    def tensor_for(self, path: Path) -> TensorRecord | None:
        """What waits for a variable at a path."""
        source = self._source(path)
        return None if source is None else self._tensors.get(source)

    def scalars_for(self, paths: dict[Path, str]) -> dict[str, Any]:
        """What waits for scalars at some paths, by the names that their owner has for them."""
        sources = {name: self._source(path) for path, name in paths.items()}
        return {name: self._scalars[source] for name, source in sources.items() if source in self._scalars}

    def take(self, path: Path) -> None:
        """Notes that what waited for a path was given there."""
        source = self._source(path)
        if source in self._tensors:
            self._left.pop(self._tensors.pop(source).path, None)
        elif source in self._scalars:
            del self._scalars[source], self._left[source]
        else:
            return
        self._below.subtract(_prefixes(source))

    def _source(self, path: Path) -> Path | None:
        """The path in the checkpoint for one in the tree: itself, or else the only one that reads alike."""
        return path if path in self._known else self._by_name.get(shown(path))


def _prefixes(path: Path) -> Iterator[str]:
    """Every name that a path at or above this one may read as."""
    parts = shown(path).split("/")
    return ("/".join(parts[:length]) for length in range(1, len(parts) + 1))
