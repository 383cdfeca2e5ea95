"""ItemState: what an item of a checkpoint holds, for migrations; tensors are read when they are looked at."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, MutableMapping
from difflib import get_close_matches
from typing import Any, final

import numpy as np

from .manifest import TensorRecord


@final
class SavedTensor:
    """A tensor in a checkpoint, read once it is wanted. Where it stood twice, both names have the same SavedTensor."""

    __slots__ = ("_read", "array", "record")

    def __init__(self, record: TensorRecord, read: Callable[[TensorRecord], np.ndarray[Any, Any]]) -> None:
        self.record, self._read = record, read
        self.array: np.ndarray[Any, Any] | None = None
        """Its contents, if anybody has looked at them; they may have been changed."""

    def contents(self) -> np.ndarray[Any, Any]:
        """The array, the same one each time."""
        if self.array is None:
            self.array = self._read(self.record)
        return self.array


@final
class ItemState(MutableMapping[str, Any]):
    """The arrays and scalars of an item by path below it, such as "layers/0/kernel"; "" where the item is one itself.

    `state[name]` reads a tensor, and gives the same array each time: it may be changed in place. `rename` and `del`
    read nothing. What is set may be an array of any library, or a scalar.
    """

    def __init__(self, entries: Mapping[str, Any]) -> None:
        self._entries = dict(entries)

    @property
    def entries(self) -> Mapping[str, Any]:
        """What it holds, with tensors that were not looked at unread."""
        return self._entries

    def __getitem__(self, name: str) -> Any:
        self._require(name)
        found = self._entries[name]
        return found.contents() if isinstance(found, SavedTensor) else found

    def __setitem__(self, name: str, value: Any) -> None:
        self._entries[name] = value

    def __delitem__(self, name: str) -> None:
        self._require(name)
        del self._entries[name]

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def __repr__(self) -> str:
        return f"<state of an item: {', '.join(map(repr, self._entries))}>"

    def rename(self, old: str, new: str) -> None:
        """Gives a value, or all that is below a path, another name; nothing is read.

        Raises: KeyError where there is nothing of the old name, or something of the new one.
        """
        moved = {name: new + name[len(old) :] for name in self._entries if name == old or name.startswith(f"{old}/")}
        if not moved:
            self._require(old)
        taken = [name for name in moved.values() if name in self._entries and name not in moved]
        if taken:
            raise KeyError(f"{taken[0]!r} is there already")
        self._entries = {moved.get(name, name): value for name, value in self._entries.items()}

    def _require(self, name: str) -> None:
        if name not in self._entries:
            near = get_close_matches(name, self._entries, 1) if isinstance(name, str) else []
            raise KeyError(f"{name!r} is not there" + (f"; {near[0]!r} is" if near else ""))
