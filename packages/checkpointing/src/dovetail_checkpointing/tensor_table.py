"""The tensors of a manifest that was read: each record is checked when somebody asks for it.

Of a checkpoint with 100,000 tensors, one is had without making, and checking, a record of each of the others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, overload

from .manifest import TensorRecord
from .object_tree import Path


class TensorTable(Sequence[TensorRecord]):
    """Records in the manifest's order. `record` makes one of what JSON has, or raises.

    Raises: ValueError or TypeError for paths that are none, or that stand twice.
    """

    def __init__(self, read: list[Any], record: Callable[[Any], TensorRecord]) -> None:
        self._read, self._record = read, record
        self._places: dict[Path, int] = {}
        for place, one in enumerate(read):
            if type(one[0]) is not list:
                raise ValueError(f"a path was expected, not {str(one[0])[:60]!r}")
            self._places[tuple(one[0])] = place
        if len(self._places) != len(read):
            raise ValueError("a path stands twice")

    @property
    def paths(self) -> Iterator[Path]:
        """The paths, not checked yet."""
        return iter(self._places)

    def at(self, path: Path) -> TensorRecord | None:
        """The record of a path, or None where there is none."""
        place = self._places.get(path)
        return None if place is None else self._record(self._read[place])

    def __len__(self) -> int:
        return len(self._read)

    @overload
    def __getitem__(self, place: int) -> TensorRecord: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[TensorRecord]: ...
    def __getitem__(self, place: int | slice) -> TensorRecord | Sequence[TensorRecord]:
        if isinstance(place, slice):
            return [self._record(one) for one in self._read[place]]
        return self._record(self._read[place])

    def __iter__(self) -> Iterator[TensorRecord]:
        return map(self._record, self._read)
