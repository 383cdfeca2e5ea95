"""Reading bytes of a data file, each checked: whole chunks are read, and their checksums compared."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

from dovetail_protocols.errors import CheckpointCorruptError, CheckpointError

from .checksums import crc32
from .manifest import CHUNK_BYTES, FileRecord
from .storage import ReadableFile
from .threads import side_by_side
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
    side_by_side(lambda one: _read_chunk(file, record, *one, check=check), by_chunk, THREADS if check else 1)


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
        for extents in _adjacent(wanted):
            _read(file, record, extents[0].begin, [extent.target for extent in extents])
        return
    begin = chunk * CHUNK_BYTES
    end = min(begin + CHUNK_BYTES, record.data_bytes)
    buffers = list(_covering(begin, end, wanted))
    _read(file, record, begin, buffers)
    checksum = 0
    for buffer in buffers:
        checksum = crc32(buffer, checksum)
    if f"{checksum:08x}" != record.chunk_crc32[chunk]:
        raise Damaged(
            f"bytes {record.data_start + begin:,} to {record.data_start + end:,}: "
            f"CRC-32 {checksum:08x}, expected {record.chunk_crc32[chunk]}"
        )


def _adjacent(extents: Iterable[Extent]) -> Iterator[list[Extent]]:
    """Extents in order, together where one begins at the end of another."""
    run: list[Extent] = []
    for extent in extents:
        if run and run[-1].end != extent.begin:
            yield run
            run = []
        run.append(extent)
    if run:
        yield run


def _covering(begin: int, end: int, wanted: Iterable[Extent]) -> Iterator[memoryview]:
    """Memory for all bytes of a chunk: that of the extents, and between them some for bytes that nobody wants."""
    at = begin
    for extent in wanted:
        if at != extent.begin:
            yield memoryview(bytearray(extent.begin - at))
        yield extent.target
        at = extent.end
    if at != end:
        yield memoryview(bytearray(end - at))


def _read(file: ReadableFile, record: FileRecord, begin: int, targets: Sequence[memoryview]) -> None:
    count = file.read_into(record.data_start + begin, *targets)
    if count != sum(target.nbytes for target in targets):
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
