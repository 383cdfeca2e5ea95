"""A plain safetensors file as a source of tensors: read in parts, and checked as strictly as `convert` does."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from math import prod
from pathlib import Path as FilePath
from typing import Any, BinaryIO

import numpy as np

from .interchange.files import opened, read_exactly
from .interchange.limits import ForeignLimits
from .interchange.safetensors_files import Header, read_header
from .object_tree import Path, split
from .reading import TensorInfo
from .sources import Array
from .tensor_bytes import from_little_endian, item_bytes, numpy_dtype


class SafetensorsSource:
    """The tensors of an open file. Its names are taken apart at "/", as a checkpoint's paths read."""

    def __init__(self, file: BinaryIO, header: Header, where: str) -> None:
        self._file, self._header, self._where = file, header, where
        self._entries = {split(name): entry for name, entry in header.entries.items()}
        self._tensors = {
            path: TensorInfo(one.shape, one.dtype, one.stop - one.start) for path, one in self._entries.items()
        }

    @property
    def tensors(self) -> Mapping[Path, TensorInfo]:
        """Every tensor of the file."""
        return self._tensors

    @property
    def metadata(self) -> Mapping[str, str]:
        """What the file says beside its tensors."""
        return self._header.metadata

    def stored_order(self, paths: Iterable[Path]) -> list[Path]:
        """Paths by where their tensors begin."""
        return sorted(paths, key=lambda path: self._entries[path].start)

    def read_part(self, path: Path, slices: Any) -> Array:
        """The part of a tensor that an index of `parts` picks, whose bytes lie in one piece."""
        entry = self._entries[path]
        start, shape = entry.start, entry.shape
        for index in slices:
            if index is Ellipsis:
                break
            row_bytes = item_bytes(entry.dtype) * prod(shape[1:])
            if isinstance(index, slice):
                start, shape = start + index.start * row_bytes, (index.stop - index.start, *shape[1:])
                break
            start, shape = start + index * row_bytes, shape[1:]
        size = item_bytes(entry.dtype) * prod(shape)
        data = bytearray(read_exactly(self._file, self._header.data_start + start, size, self._where))
        return from_little_endian(np.frombuffer(data, numpy_dtype(entry.dtype)).reshape(shape))

    def read_several(self, paths: Sequence[Path]) -> Mapping[Path, Array]:
        """Several whole tensors."""
        return {path: self.read_part(path, (...,)) for path in paths}


@contextmanager
def open_safetensors(
    path: str | os.PathLike[str],
    limits: ForeignLimits = ForeignLimits(),  # noqa: B008 - frozen
) -> Iterator[SafetensorsSource]:
    """A safetensors file, open for the body of a `with`. It has no checksums: what it holds is taken as it is.

    Raises: CheckpointCorruptError, CheckpointUnsafeError, DTypeError for a header that the format doesn't allow.
    """
    with opened(FilePath(path)) as file:
        yield SafetensorsSource(file, read_header(file, limits, str(path)), str(path))
