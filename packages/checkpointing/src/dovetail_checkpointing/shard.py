"""One safetensors file, written by us and readable by anybody: header, padding, then the tensors' bytes.

The format is kept; the write path is our own, because the library's never fsyncs. Reading checks each tensor's CRC.
Source: https://github.com/huggingface/safetensors, format of version 0.8.
"""

from __future__ import annotations

import json
import os
import stat
import zlib
from hashlib import sha256
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from dovetail_protocols.errors import CheckpointCorruptError

from .manifest import FileRecord, TensorRecord
from .tensor_bytes import SAFETENSORS_NAMES, from_bytes, numpy_dtype, stored_shape, to_bytes

DATA_START = 4096
"""Headers are padded so that data begins at a multiple of this."""


def encode(
    arrays: dict[str, tuple[str, np.ndarray[Any, Any]]],
) -> tuple[list[bytes | memoryview], FileRecord, dict[str, int]]:
    """The file's contents in pieces, what the manifest says of it, and the CRC-32 of each tensor.

    `arrays` maps names to (dtype's name, array).
    """
    header: dict[str, Any] = {}
    chunks: list[bytes | memoryview] = []
    checksums: dict[str, int] = {}
    offset = 0
    for name, (dtype, array) in arrays.items():
        data = to_bytes(array)
        header[name] = {
            "dtype": SAFETENSORS_NAMES[dtype],
            "shape": list(stored_shape(dtype, array.shape)),
            "data_offsets": [offset, offset + data.nbytes],
        }
        checksums[name] = zlib.crc32(data)
        chunks.append(data)
        offset += data.nbytes
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-(len(text) + 8) % DATA_START)
    head = len(text).to_bytes(8, "little") + text
    return [head, *chunks], FileRecord(len(head) + offset, sha256(head).hexdigest()), checksums


def read(path: Path, expected: FileRecord, records: list[TensorRecord]) -> dict[str, np.ndarray[Any, Any]]:
    """The arrays of some of a file's tensors, each checked against the manifest.

    Raises: CheckpointCorruptError naming file, tensor and what differs.
    """
    descriptor = _open_regular(path)
    with os.fdopen(descriptor, "rb") as file:
        actual = os.fstat(file.fileno()).st_size
        if actual != expected.size_bytes:
            raise _corrupt(path, f"{actual:,} of {expected.size_bytes:,} bytes")
        header = _header(path, file, expected)
        return {record.name: _tensor(path, file, header, record) for record in records}


def _open_regular(path: Path) -> int:
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        descriptor = os.open(path, flags)
    except OSError as error:
        raise _corrupt(path, f"it can't be opened: {error.strerror}") from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise _corrupt(path, "it is no regular file")
    return descriptor


def _header(path: Path, file: Any, expected: FileRecord) -> dict[str, Any]:
    head = file.read(8)
    length = int.from_bytes(head, "little")
    if not 0 < length <= expected.size_bytes - 8:
        raise _corrupt(path, f"its header claims {length:,} bytes")
    text = file.read(length)
    if sha256(head + text).hexdigest() != expected.header_sha256:
        raise _corrupt(path, "its header is not the one that was written")
    return {"start": 8 + length, "tensors": json.loads(text)}


def _tensor(path: Path, file: Any, header: dict[str, Any], record: TensorRecord) -> np.ndarray[Any, Any]:
    size = numpy_dtype(record.dtype).itemsize * prod(record.shape)
    stated = header["tensors"][record.name]
    first, last = stated["data_offsets"]
    if last - first != size:
        raise _corrupt(path, f"tensor {record.name!r}: {last - first:,} bytes, the manifest has {size:,}")
    file.seek(header["start"] + first)
    data = file.read(size)
    if len(data) != size or zlib.crc32(data) != record.crc32:
        raise _corrupt(
            path,
            f"tensor {record.name!r}, bytes {header['start'] + first:,} to {header['start'] + last:,}: "
            f"CRC-32 {zlib.crc32(data):08x}, expected {record.crc32:08x}",
        )
    return from_bytes(data, record.dtype, record.shape)


def _corrupt(path: Path, cause: str) -> CheckpointCorruptError:
    return CheckpointCorruptError(
        "a checkpoint is damaged",
        where=str(path),
        cause=cause,
        effect="nothing was restored",
        fix="restore an older step",
    )
