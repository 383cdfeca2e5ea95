"""Writing PyTorch's files without PyTorch: the few opcodes that rebuild tensors, by hand."""

from __future__ import annotations

import pickle
import struct
import zipfile
from collections.abc import Hashable
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from .contents import Contents, StoredArray
from .files import replacing, write_array
from .pytorch_tensors import STORAGES
from .rules import size_bytes

_EPOCH = (1980, 1, 1, 0, 0, 0)
_ROOT = "archive"
_ALIGNMENT = 64
"""Of storages in the file, so that torch.load(mmap=True) can use them as they lie."""
_ORDERED = b"ccollections\nOrderedDict\n)R"


def write(path: Path, contents: Contents, *, overwrite: bool = False) -> None:
    """Writes an OrderedDict of tensors and plain values, atomically. `torch.load(path)`, with its default
    `weights_only=True`, reads it; the same contents give the same bytes. Names of one array share a storage.

    Raises: CheckpointError where storage fails.
    """
    keys: dict[Hashable, str] = {}
    storages: list[StoredArray] = []
    data = [b"\x80\x02", _ORDERED]
    for name, array in contents.arrays.items():
        identity = ("only", name) if array.identity is None else ("shared", array.identity)
        if identity not in keys:
            keys[identity] = str(len(storages))
            storages.append(array)
        data += [_plain(name), _tensor(array, keys[identity]), b"s"]
    for name, scalar in contents.scalars.items():
        data += [_plain(name), _plain(scalar), b"s"]
    with replacing(path, overwrite=overwrite) as file, zipfile.ZipFile(file, "w") as written:
        _member(written, file, "data.pkl", _bytes(b"".join(data) + b"."))
        _member(written, file, "byteorder", _bytes(b"little"))
        for key, array in enumerate(storages):
            _member(written, file, f"data/{key}", array.read())
        _member(written, file, "version", _bytes(b"3\n"))


def _plain(value: Any) -> bytes:
    """The opcodes of a number, a text or a tuple of such. They keep things in the memo that nothing asks for."""
    return pickle.dumps(value, protocol=2)[2:-1]


def _tensor(array: StoredArray, key: str) -> bytes:
    strides, step = [], 1
    for size in reversed(array.shape):
        strides.append(step)
        step *= max(size, 1)
    view = _plain(0) + _plain(array.shape) + _plain(tuple(reversed(strides))) + b"\x89" + _ORDERED
    size = size_bytes(array.shape, array.dtype)
    if array.dtype in STORAGES:
        function, kind, rest = b"_rebuild_tensor_v2", f"ctorch\n{STORAGES[array.dtype]}\n".encode(), b""
        size //= size_bytes((), array.dtype)
    else:
        function, kind, rest = (
            b"_rebuild_tensor_v3",
            b"ctorch.storage\nUntypedStorage\n",
            f"ctorch\n{array.dtype}\n".encode(),
        )
    storage = b"(" + _plain("storage") + kind + _plain(key) + _plain("cpu") + _plain(size) + b"tQ"
    return b"ctorch._utils\n" + function + b"\n(" + storage + view + rest + b"tR"


def _bytes(data: bytes) -> np.ndarray[Any, Any]:
    return np.frombuffer(data, np.uint8)


def _member(written: zipfile.ZipFile, file: BinaryIO, name: str, data: np.ndarray[Any, Any]) -> None:
    info = zipfile.ZipInfo(f"{_ROOT}/{name}", _EPOCH)
    info.file_size = data.nbytes
    is_wide = data.nbytes >= zipfile.ZIP64_LIMIT
    header_bytes = 30 + len(info.filename) + (20 if is_wide else 0) + 4
    padding = -(file.tell() + header_bytes) % _ALIGNMENT
    info.extra = b"FB" + struct.pack("<H", padding) + b"Z" * padding
    with written.open(info, "w", force_zip64=is_wide) as member:
        write_array(member, data)
