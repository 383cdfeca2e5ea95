"""NumPy's .npz archives. Headers are parsed here, bounded, and nothing is unpickled.

Source: NumPy enhancement proposal 1, and numpy.lib.format.
"""

from __future__ import annotations

import ast
import io
import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import numpy as np

from dovetail_protocols.errors import CheckpointCorruptError, CheckpointUnsafeError, DTypeError

from .contents import Contents, StoredArray
from .files import replacing, write_array
from .limits import ForeignLimits
from .rules import array_name, array_shape, known_dtype, size_bytes, totals
from .zip_archives import Archive, archive

_MAGIC = b"\x93NUMPY"
_HEADER_BYTES = 10_000
"""As NumPy's own limit; it is checked before the header is read, which NumPy does after."""
_DTYPE = re.compile(r"[<>|=][a-zA-Z]\d*")
_EPOCH = (1980, 1, 1, 0, 0, 0)


@contextmanager
def reading(path: Path, limits: ForeignLimits) -> Iterator[Contents]:
    """The arrays of an archive; each is read when it is asked for, inside of the block.

    Raises: CheckpointCorruptError, CheckpointUnsafeError, DTypeError.
    """
    arrays: dict[str, StoredArray] = {}
    with archive(path, limits) as opened:
        for member in opened.members:
            name = array_name(member.removesuffix(".npy"), limits, str(path))
            if name in arrays:
                raise CheckpointUnsafeError("an array stands twice", where=f"{path}: {name!r}")
            arrays[name] = _member(opened, member, limits)
        stored = sum(info.compress_size for info in opened.members.values())
        totals(arrays.values(), stored, limits, str(path))
        yield Contents(arrays)


def _member(opened: Archive, member: str, limits: ForeignLimits) -> StoredArray:
    where = f"{opened.where}: {member!r}"
    start = opened.read(member, 12)
    length_bytes = {1: 2, 2: 4, 3: 4}.get(start[6] if len(start) == 12 else 0)
    if not start.startswith(_MAGIC) or length_bytes is None:
        raise CheckpointCorruptError("a member is no .npy file of version 1, 2 or 3", where=where, got=repr(start))
    length = int.from_bytes(start[8 : 8 + length_bytes], "little")
    if length > _HEADER_BYTES:
        raise CheckpointUnsafeError(
            "the header of an array is over its limit",
            where=where,
            expected=f"≤ {_HEADER_BYTES:,} bytes",
            got=f"{length:,}",
        )
    data_start = 8 + length_bytes + length
    text = opened.read(member, data_start)[8 + length_bytes :]
    written, is_fortran, shape = _header(text, where)
    if written.hasobject:
        raise CheckpointUnsafeError(
            "an array holds Python objects, which only a pickle can read",
            where=where,
            fix="save it as numbers; .npz files are never unpickled here",
        )
    plain = written.newbyteorder("=")
    dtype = known_dtype(plain.name if written.kind in "biufc" else None, where, str(plain))
    checked = array_shape(shape, dtype, limits, where)
    expected = data_start + size_bytes(checked, dtype)
    if opened.members[member].file_size != expected:
        raise CheckpointCorruptError(
            "a member isn't as long as its header says",
            where=where,
            expected=f"{expected:,} bytes",
            got=f"{opened.members[member].file_size:,}",
        )
    order: Literal["C", "F"] = "F" if is_fortran else "C"

    def value() -> np.ndarray[Any, Any]:
        array = np.frombuffer(opened.read(member), written, offset=data_start).reshape(checked, order=order)
        return array.astype(plain, copy=False)

    return StoredArray(dtype, checked, value)


def _header(text: bytes, where: str) -> tuple[np.dtype[Any], bool, list[Any]]:
    try:
        header = ast.literal_eval(text.decode("utf-8").strip())
        if not isinstance(header, dict) or set(header) != {"descr", "fortran_order", "shape"}:
            raise ValueError("its keys aren't descr, fortran_order and shape")
        descr, is_fortran, shape = header["descr"], header["fortran_order"], header["shape"]
        if not isinstance(descr, str) or not _DTYPE.fullmatch(descr):
            raise ValueError(f"the dtype {str(descr)[:80]!r} is none of plain numbers")
        if type(is_fortran) is not bool or not isinstance(shape, tuple):
            raise ValueError("its members are of the wrong kind")
        return np.dtype(descr), is_fortran, list(shape)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError) as error:
        cause = f"{type(error).__name__}: {error}"[:200]
        raise CheckpointCorruptError("the header of an array can't be read", where=where, cause=cause) from error


def write(path: Path, contents: Contents, *, overwrite: bool = False) -> None:
    """Writes an archive, atomically and uncompressed; the same contents give the same bytes.

    Raises: DTypeError for bfloat16 and the float8 types, which NumPy's format doesn't have.
    """
    for name, array in contents.arrays.items():
        if array.dtype.startswith(("bfloat", "float8")):
            raise DTypeError(
                "an .npz archive can't say this dtype",
                where=f"{path}: {name!r}",
                got=array.dtype,
                fix="convert to .safetensors, or to a wider dtype first",
            )
    with replacing(path, overwrite=overwrite) as file, zipfile.ZipFile(file, "w", allowZip64=True) as written:
        for name, array in contents.arrays.items():
            info = zipfile.ZipInfo(f"{name}.npy", _EPOCH)
            with written.open(info, "w", force_zip64=True) as member:
                value = array.read()
                member.write(_npy_header(value))
                write_array(member, value)


def _npy_header(array: np.ndarray[Any, Any]) -> bytes:
    header = io.BytesIO()
    descr = np.lib.format.dtype_to_descr(array.dtype.newbyteorder("<"))
    np.lib.format.write_array_header_1_0(header, {"descr": descr, "fortran_order": False, "shape": array.shape})
    return header.getvalue()
