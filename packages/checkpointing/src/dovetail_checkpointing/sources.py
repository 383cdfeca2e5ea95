"""Where tensors come from when they are looked at rather than restored: read in parts, so that memory stays small."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from math import prod
from typing import Any, Protocol

import numpy as np

from .manifest import CHUNK_BYTES
from .object_tree import Path
from .reading import Reader, TensorInfo
from .tensor_bytes import item_bytes

BLOCK_BYTES = 2 * CHUNK_BYTES
"""About so much of a tensor, or of several small ones, is in memory at once."""

Array = np.ndarray[Any, Any]


class TensorSource(Protocol):
    """Named tensors that can be read in parts."""

    @property
    def tensors(self) -> Mapping[Path, TensorInfo]:
        """The tensors, in the order in which they were saved."""

    def stored_order(self, paths: Iterable[Path]) -> list[Path]:
        """Paths in the order in which their tensors lie in storage: so they are read the quickest."""

    def read_part(self, path: Path, slices: Any) -> Array:
        """The part of a tensor that slices pick."""

    def read_several(self, paths: Sequence[Path]) -> Mapping[Path, Array]:
        """Several whole tensors."""


class CheckpointSource:
    """The tensors of an open checkpoint; every chunk that is read is checked as its reader says. Those at paths in
    `without` are left out."""

    def __init__(self, reader: Reader, without: Container[Path] = ()) -> None:
        self._reader = reader
        self._records = {record.path: record for record in reader.manifest.tensors}
        for alias, target in reader.manifest.aliases.items():
            if target in self._records and alias not in self._records and alias not in without:
                self._records[alias] = self._records[target]
        self._tensors = {
            path: TensorInfo(record.shape, record.dtype, item_bytes(record.dtype) * prod(record.shape))
            for path, record in self._records.items()
        }

    @property
    def tensors(self) -> Mapping[Path, TensorInfo]:
        """Every tensor, then the tied ones by their other paths."""
        return self._tensors

    def stored_order(self, paths: Iterable[Path]) -> list[Path]:
        """Paths by file, and by place in it."""

        def place(path: Path) -> list[tuple[int, int]]:
            return [(piece.file, piece.begin) for piece in self._records[path].pieces[:1]]

        return sorted(paths, key=place)

    def read_part(self, path: Path, slices: Any) -> Array:
        """The part of a tensor that slices pick."""
        return self._reader.read(path, slices)

    def read_several(self, paths: Sequence[Path]) -> Mapping[Path, Array]:
        """Several whole tensors, read in one go: chunks that they share are read once."""
        records = {self._records[path].path: self._records[path] for path in paths}
        found = self._reader.read_records(list(records.values()))
        return {path: found[self._records[path].path] for path in paths}


def is_small(info: TensorInfo) -> bool:
    """Whether a tensor is read whole, not in parts."""
    return info.size_bytes <= BLOCK_BYTES


def groups(paths: Iterable[Path], tensors: Mapping[Path, TensorInfo]) -> Iterator[list[Path]]:
    """Paths in groups of BLOCK_BYTES at most; a larger tensor is a group of its own."""
    group: list[Path] = []
    size = 0
    for path in paths:
        if group and size + tensors[path].size_bytes > BLOCK_BYTES:
            yield group
            group, size = [], 0
        group.append(path)
        size += tensors[path].size_bytes
    if group:
        yield group


def parts(info: TensorInfo) -> Iterator[tuple[Any, ...]]:
    """Indices that cut a tensor into parts of BLOCK_BYTES at most, in order."""
    return _cut(info.shape, item_bytes(info.dtype))


def _cut(shape: tuple[int, ...], item: int) -> Iterator[tuple[Any, ...]]:
    if item * prod(shape) <= BLOCK_BYTES:
        yield (...,)
        return
    row_bytes = item * prod(shape[1:])
    if row_bytes > BLOCK_BYTES:
        for row in range(shape[0]):
            for inner in _cut(shape[1:], item):
                yield (row, *inner)
        return
    rows = BLOCK_BYTES // row_bytes
    for start in range(0, shape[0], rows):
        yield (slice(start, min(start + rows, shape[0])),)
