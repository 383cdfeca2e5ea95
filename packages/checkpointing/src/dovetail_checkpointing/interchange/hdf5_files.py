"""HDF5 files, read strictly: plain numbers that are stored in the file itself, and nothing that leads elsewhere.

Needs h5py (the extra `keras`), which only the reading process imports. Source: the HDF5 file format, version 3.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO

import numpy as np

from dovetail_protocols.errors import (
    CheckpointCorruptError,
    CheckpointUnsafeError,
    DovetailError,
    MissingPackageError,
)

from ..tensor_bytes import numpy_dtype
from .contents import StoredArray
from .files import size_of
from .limits import ForeignLimits
from .rules import array_name, array_shape, known_dtype, size_bytes, totals, within

_FILTERS = {1: "deflate", 2: "shuffle", 3: "fletcher32"}
"""Those that HDF5 itself has; others are libraries that it would load."""
_DAMAGE = (OSError, RuntimeError, KeyError, ValueError, TypeError, AttributeError)
"""What h5py raises for files that aren't whole, or made to confuse it."""
_TYPE_BYTES = 64


def library() -> Any:
    """h5py.

    Raises: MissingPackageError.
    """
    try:
        import h5py
    except ImportError as error:
        raise MissingPackageError(
            "Keras's files need h5py", cause=str(error), fix='pip install "dovetail-checkpointing[keras]"'
        ) from error
    return h5py


@contextmanager
def reading(file: BinaryIO, limits: ForeignLimits, where: str) -> Iterator[dict[str, StoredArray]]:
    """The datasets of an open file by path; each is read when it is asked for, inside of the block.

    Raises: CheckpointCorruptError; CheckpointUnsafeError for links, external storage, virtual datasets, foreign filters
    and sizes beyond the limits; DTypeError.
    """
    h5py, size = library(), size_of(file)
    with _translated(where):
        found = h5py.File(file, "r")
    with found:
        walk = _Walk(h5py, limits, where)
        with _translated(where):
            walk.group(found, (), 0)
        stored = sum(dataset.id.get_storage_size() for dataset in walk.datasets)
        totals(walk.arrays.values(), min(stored, size), limits, where)
        yield walk.arrays


@contextmanager
def _translated(where: str) -> Iterator[None]:
    try:
        yield
    except DovetailError:
        raise
    except _DAMAGE as error:
        cause = f"{type(error).__name__}: {error}"[:300]
        raise CheckpointCorruptError("an HDF5 file can't be read", where=where, cause=cause) from error


class _Walk:
    """Goes through the groups of a file, each once."""

    def __init__(self, h5py: Any, limits: ForeignLimits, where: str) -> None:
        self.h5py = h5py
        self.arrays: dict[str, StoredArray] = {}
        self.datasets: list[Any] = []
        self.groups: set[int] = set()
        self.links = 0
        self.limits, self.where = limits, where

    def group(self, group: Any, path: tuple[str, ...], depth: int) -> None:
        within("the depth of groups", depth, self.limits, "depth", self.where)
        address = int(self.h5py.h5o.get_info(group.id).addr)
        if address in self.groups:
            raise CheckpointUnsafeError("a group stands in two places", where=f"{self.where}: {'/'.join(path)!r}")
        self.groups.add(address)
        for name in group:
            self.links += 1
            within("the number of links", self.links, self.limits, "arrays", self.where)
            inner = (*path, name)
            place = f"{self.where}: {array_name('/'.join(inner), self.limits, self.where)!r}"
            if not isinstance(group.get(name, getlink=True), self.h5py.HardLink):
                raise CheckpointUnsafeError("a file holds a link that leads elsewhere", where=place)
            child = group[name]
            if isinstance(child, self.h5py.Group):
                self.group(child, inner, depth + 1)
            elif isinstance(child, self.h5py.Dataset):
                self.arrays["/".join(inner)] = self.dataset(child, place)
            else:
                raise CheckpointUnsafeError("a file holds what is no dataset or group", where=place)

    def dataset(self, dataset: Any, where: str) -> StoredArray:
        _refuse_elsewhere(dataset, where)
        is_bfloat16 = dataset.dtype == np.dtype("V2") and _says_bfloat16(dataset)
        plain = dataset.dtype.newbyteorder("=").name if dataset.dtype.kind in "biufc" else None
        dtype = known_dtype("bfloat16" if is_bfloat16 else plain, where, str(dataset.dtype)[:_TYPE_BYTES])
        if dataset.shape is None:
            raise CheckpointCorruptError("a dataset has no values", where=where)
        shape = array_shape((int(size) for size in dataset.shape), dtype, self.limits, where)
        _refuse_unstored(dataset, size_bytes(shape, dtype), where)
        self.datasets.append(dataset)

        def read() -> np.ndarray[Any, Any]:
            with _translated(where):
                stored = np.empty(shape, dataset.dtype)
                if stored.size:
                    dataset.read_direct(stored)
                native = stored.view(numpy_dtype(dtype)) if is_bfloat16 else stored
                return native.astype(numpy_dtype(dtype), copy=False)

        return StoredArray(dtype, shape, read, int(self.h5py.h5o.get_info(dataset.id).addr))


def _refuse_elsewhere(dataset: Any, where: str) -> None:
    """Raises CheckpointUnsafeError where values are in another file, or behind a library that would be loaded."""
    creation = dataset.id.get_create_plist()
    if dataset.is_virtual:
        raise CheckpointUnsafeError("a dataset is virtual: a view of other files", where=where)
    if creation.get_external_count():
        raise CheckpointUnsafeError("a dataset's values are in another file", where=where)
    foreign = {creation.get_filter(place)[0] for place in range(creation.get_nfilters())} - set(_FILTERS)
    if foreign:
        raise CheckpointUnsafeError(
            "a dataset needs a filter that HDF5 would load as a library",
            where=where,
            expected=", ".join(_FILTERS.values()),
            got=f"filters {sorted(foreign)}",
        )


def _refuse_unstored(dataset: Any, size: int, where: str) -> None:
    """Raises CheckpointCorruptError where values are missing, which HDF5 would fill in silently."""
    if dataset.chunks is None:
        is_whole = dataset.id.get_storage_size() >= size
    else:
        chunks = 1
        for length, chunk in zip(dataset.shape, dataset.chunks, strict=True):
            chunks *= -(-length // chunk)
        is_whole = dataset.id.get_num_chunks() == chunks
    if not is_whole:
        raise CheckpointCorruptError(
            "a dataset declares values that aren't stored",
            where=where,
            expected=f"{size:,} bytes",
            got=f"{dataset.id.get_storage_size():,} stored",
        )


def _says_bfloat16(dataset: Any) -> bool:
    """Whether Keras noted that two opaque bytes are a bfloat16."""
    if "dtype" not in dataset.attrs:
        return False
    note = dataset.attrs.get_id("dtype")
    return bool(note.shape == () and dataset.attrs["dtype"] == "bfloat16")
