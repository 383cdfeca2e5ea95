"""Reading bytes of a data file, each checked: whole chunks are read, and their checksums compared."""

from __future__ import annotations

import errno
import os
import zlib
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

from dovetail_protocols.errors import CheckpointCorruptError, CheckpointError

from .manifest import CHUNK_BYTES, FileRecord
from .storage import ReadableFile
from .uncollected import uncollected

Verify = Literal["header", "chunks", "full"]
"""How much a reader checks: "header", sizes and headers only; "chunks", the checksum of every byte that it reads;
"full", also the SHA-256 of every file, and each header against the manifest."""

THREADS = min(4, os.cpu_count() or 1)


class Damaged(Exception):
    """What is wrong with a file, in words."""


@dataclass(frozen=True, slots=True)
class Extent:
    """Bytes from `begin` of a file's data on, and the memory that they go to."""

    begin: int
    target: memoryview

    @property
    def end(self) -> int:
        return self.begin + self.target.nbytes


def read_extents(file: ReadableFile, record: FileRecord, extents: Iterable[Extent], *, check: bool) -> None:
    """Fills the memory of each extent; `check` compares the checksum of each chunk that has a part of one.

    Extents don't overlap.

    Raises: Damaged, naming the bytes.
    """
    by_chunk = [
        (chunk, list(group)) for chunk, group in groupby(_cut(extents), lambda extent: extent.begin // CHUNK_BYTES)
    ]
    if check and len(by_chunk) > 1 and THREADS > 1:
        with ThreadPoolExecutor(THREADS) as threads:
            for _ in threads.map(lambda one: _read_chunk(file, record, *one, check=check), by_chunk):
                pass
        return
    for chunk, wanted in by_chunk:
        _read_chunk(file, record, chunk, wanted, check=check)


@uncollected
def _cut(extents: Iterable[Extent]) -> list[Extent]:
    """Extents in order, cut where chunks begin."""
    cut = []
    for extent in sorted(extents, key=lambda extent: extent.begin):
        begin, left = extent.begin, extent.target
        if 0 < left.nbytes <= CHUNK_BYTES - begin % CHUNK_BYTES:
            cut.append(extent)
            continue
        while left.nbytes:
            room = CHUNK_BYTES - begin % CHUNK_BYTES
            cut.append(Extent(begin, left[:room]))
            begin, left = begin + min(room, left.nbytes), left[room:]
    return cut


def _read_chunk(file: ReadableFile, record: FileRecord, chunk: int, wanted: Sequence[Extent], *, check: bool) -> None:
    if not check:
        for extent in wanted:
            _read(file, record, extent.begin, extent.target)
        return
    begin = chunk * CHUNK_BYTES
    end = min(begin + CHUNK_BYTES, record.data_bytes)
    if len(wanted) > _FEW:
        checksum = _scattered(file, record, begin, end, wanted)
    else:
        checksum = _in_place(file, record, begin, end, wanted)
    if f"{checksum:08x}" != record.chunk_crc32[chunk]:
        raise Damaged(
            f"bytes {record.data_start + begin:,} to {record.data_start + end:,}: "
            f"CRC-32 {checksum:08x}, expected {record.chunk_crc32[chunk]}"
        )


_FEW = 16
"""Up to so many parts of a chunk are read one by one, straight to their place."""


def _in_place(file: ReadableFile, record: FileRecord, begin: int, end: int, wanted: Sequence[Extent]) -> int:
    checksum, at = 0, begin
    for extent in wanted:
        checksum = _skipped(file, record, at, extent.begin, checksum)
        _read(file, record, extent.begin, extent.target)
        checksum, at = zlib.crc32(extent.target, checksum), extent.end
    return _skipped(file, record, at, end, checksum)


def _skipped(file: ReadableFile, record: FileRecord, begin: int, end: int, checksum: int) -> int:
    """The checksum carried on over bytes that nobody wants."""
    if begin == end:
        return checksum
    scratch = memoryview(bytearray(end - begin))
    _read(file, record, begin, scratch)
    return zlib.crc32(scratch, checksum)


def _scattered(file: ReadableFile, record: FileRecord, begin: int, end: int, wanted: Sequence[Extent]) -> int:
    """Reads a chunk of many small tensors at once, then hands its bytes out."""
    scratch = memoryview(bytearray(end - begin))
    _read(file, record, begin, scratch)
    for extent in wanted:
        extent.target[:] = scratch[extent.begin - begin : extent.end - begin]
    return zlib.crc32(scratch)


def _read(file: ReadableFile, record: FileRecord, begin: int, target: memoryview) -> None:
    count = file.read_into(record.data_start + begin, target)
    if count != target.nbytes:
        raise Damaged(f"it ends at byte {record.data_start + begin + count:,}, inside of its data")


def corrupt(where: object, cause: str) -> CheckpointCorruptError:
    """The error for a damaged file."""
    return CheckpointCorruptError(
        "a checkpoint is damaged", where=where, cause=cause, effect="nothing was restored", fix="restore an older step"
    )


_DEVICE = frozenset({errno.EIO, errno.EBADMSG, getattr(errno, "EUCLEAN", errno.EIO)})
"""What systems say where a device or file system gives back no bytes, or knows that they are wrong."""


@contextmanager
def telling_failures(where: object) -> Iterator[None]:
    """What storage raises inside as a CheckpointError: a CheckpointCorruptError only where the bytes are to blame, and
    not rights, the network, or that too many files are open."""
    try:
        yield
    except OSError as error:
        if error.errno in _DEVICE:
            raise corrupt(where, f"it can't be read: {error.strerror}") from error
        raise CheckpointError(
            "a checkpoint can't be read",
            where=where,
            cause=f"{type(error).__name__}: {error}",
            effect="nothing was changed; whether it is damaged is not known",
        ) from error
