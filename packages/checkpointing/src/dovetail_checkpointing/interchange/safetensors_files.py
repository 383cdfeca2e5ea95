"""The safetensors format, read strictly: what its library lets pass is refused.

Those are a header that begins with a space, a name that stands twice, names that read as paths or hold NUL, and shapes
whose sizes overflow where one axis is zero. Source: the format's specification, https://github.com/huggingface/safetensors.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from dovetail_protocols.dtypes import dtype as find_dtype
from dovetail_protocols.errors import CheckpointCorruptError, CheckpointUnsafeError, DTypeError

from ..tensor_bytes import numpy_dtype
from . import strict_json
from .contents import Contents, StoredArray
from .files import opened, read_exactly, replacing, size_of, write_array
from .limits import ForeignLimits
from .rules import array_name, array_shape, known_dtype, size_bytes, within

NAMES = {
    **{f"{kind}{bits}": f"{name}{bits}" for kind, name in (("I", "int"), ("U", "uint")) for bits in (8, 16, 32, 64)},
    **{f"F{bits}": f"float{bits}" for bits in (16, 32, 64)},
    "BOOL": "bool",
    "BF16": "bfloat16",
    "F8_E4M3": "float8_e4m3fn",
    "F8_E5M2": "float8_e5m2",
    "C64": "complex64",
}
"""The format's dtypes by Dovetail's; it has none for complex128."""
_WRITTEN = {name: written for written, name in NAMES.items()}
_ALIGNMENT = 8


@dataclass(frozen=True, slots=True)
class Entry:
    """One tensor of a header; `start` and `stop` count from the end of the header."""

    dtype: str
    shape: tuple[int, ...]
    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class Header:
    """What a file says of itself. `data_start` counts from the file's begin."""

    entries: Mapping[str, Entry]
    metadata: Mapping[str, str]
    data_start: int


def read_header(file: BinaryIO, limits: ForeignLimits, where: str) -> Header:
    """The header of an open file, whose data it covers without gap or overlap.

    Raises: CheckpointCorruptError, CheckpointUnsafeError, DTypeError.
    """
    size = size_of(file)
    length = int.from_bytes(read_exactly(file, 0, 8, where), "little")
    if length > size - 8:
        raise CheckpointCorruptError(
            "a header is longer than its file", where=where, expected=f"at most {size - 8:,} bytes", got=f"{length:,}"
        )
    within("the length of the header", length, limits, "header_bytes", where)
    text = read_exactly(file, 8, length, where)
    if not text.startswith(b"{"):
        raise CheckpointUnsafeError("a header doesn't begin with '{'", where=where, got=repr(text[:16]))
    data = strict_json.parse(text.rstrip(b" "), limits, where)
    metadata = data.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise CheckpointCorruptError("__metadata__ must map names to texts", where=where)
    within("the number of arrays", len(data), limits, "arrays", where)
    entries = {array_name(name, limits, where): _entry(name, entry, limits, where) for name, entry in data.items()}
    _refuse_gaps(entries, size - 8 - length, where)
    return Header(entries, metadata, 8 + length)


def _entry(name: str, entry: Any, limits: ForeignLimits, where: str) -> Entry:
    where = f"{where}: {name!r}"
    if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
        raise CheckpointCorruptError("a tensor's entry needs dtype, shape and data_offsets", where=where)
    written, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not isinstance(written, str) or not isinstance(shape, list) or not isinstance(offsets, list):
        raise CheckpointCorruptError("a tensor's entry has members of the wrong kind", where=where)
    dtype = known_dtype(NAMES.get(written), where, repr(written)[:80])
    checked = array_shape(shape, dtype, limits, where)
    if len(offsets) != 2 or not all(type(offset) is int and offset >= 0 for offset in offsets):
        raise CheckpointCorruptError("data_offsets must be two counts of bytes", where=where, got=repr(offsets)[:80])
    start, stop = offsets
    if stop - start != size_bytes(checked, dtype):
        raise CheckpointCorruptError(
            "data_offsets don't hold the tensor",
            where=where,
            expected=f"{size_bytes(checked, dtype):,} bytes for {written} {list(checked)}",
            got=f"{stop - start:,}",
        )
    return Entry(dtype, checked, start, stop)


def _refuse_gaps(entries: Mapping[str, Entry], data_bytes: int, where: str) -> None:
    end = 0
    for name, entry in sorted(entries.items(), key=lambda item: (item[1].start, item[1].stop)):
        if entry.start != end:
            raise CheckpointCorruptError(
                "tensors overlap or leave a gap",
                where=f"{where}: {name!r}",
                expected=f"begin at {end:,}",
                got=entry.start,
            )
        end = entry.stop
    if end != data_bytes:
        raise CheckpointCorruptError(
            "a file's data isn't what its header says", where=where, expected=f"{end:,} bytes", got=f"{data_bytes:,}"
        )


@contextmanager
def reading(path: Path, limits: ForeignLimits, *, beside: bool = False) -> Iterator[Contents]:
    """The tensors of a file; each is read when it is asked for, inside of the block. `beside`: a file names it.

    Raises: CheckpointCorruptError, CheckpointUnsafeError, DTypeError.
    """
    with opened(path, beside=beside) as file:
        header = read_header(file, limits, str(path))
        arrays = {
            name: StoredArray(entry.dtype, entry.shape, partial(_read, file, header.data_start, entry, str(path)))
            for name, entry in header.entries.items()
        }
        yield Contents(arrays, {}, header.metadata)


def _read(file: BinaryIO, data_start: int, entry: Entry, where: str) -> np.ndarray[Any, Any]:
    data = read_exactly(file, data_start + entry.start, entry.stop - entry.start, where)
    array = np.frombuffer(data, numpy_dtype(entry.dtype).newbyteorder("<")).reshape(entry.shape)
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def write(path: Path, contents: Contents, *, overwrite: bool = False) -> None:
    """Writes a file, atomically; the same contents give the same bytes.

    Raises: DTypeError for complex128, CheckpointError where storage fails.
    """
    with replacing(path, overwrite=overwrite) as file:
        write_to(file, contents, str(path))


def write_to(file: BinaryIO, contents: Contents, where: str) -> None:
    """Writes header and data to an open file. Wide dtypes come first, so that each tensor is aligned."""
    for name, array in contents.arrays.items():
        if array.dtype not in _WRITTEN:
            raise DTypeError("safetensors has no such dtype", where=f"{where}: {name!r}", got=array.dtype)
    order = sorted(contents.arrays.items(), key=lambda item: (-find_dtype(item[1].dtype).size_bytes, item[0]))
    header: dict[str, Any] = {}
    if contents.metadata:
        header["__metadata__"] = dict(sorted(contents.metadata.items()))
    end = 0
    for name, array in order:
        start, end = end, end + size_bytes(array.shape, array.dtype)
        header[name] = {"dtype": _WRITTEN[array.dtype], "shape": list(array.shape), "data_offsets": [start, end]}
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode("utf-8")
    text += b" " * (-len(text) % _ALIGNMENT)
    file.write(len(text).to_bytes(8, "little") + text)
    for _, array in order:
        write_array(file, array.read())
