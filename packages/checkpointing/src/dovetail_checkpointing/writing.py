"""Writing data files: their bytes go to storage and through the digests at the same time, in several threads."""

from __future__ import annotations

import threading
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from hashlib import sha256
from queue import Queue
from types import TracebackType
from typing import Any, Literal, Self

from .layout import FilePlan
from .manifest import CHUNK_BYTES, FileRecord
from .storage import WritableFile
from .tensor_bytes import blocks, on_host

Digest = Literal["crc32", "sha256"]
FILES_AT_ONCE = 4
"""So many files are written side by side, and their SHA-256 computed in as many threads."""
_SMALL_BYTES = 256 << 10
"""Tensors below this are gathered before they are written; of larger ones nothing is copied."""


class FileDigests:
    """What a manifest says of a file's bytes, gathered while they are written."""

    def __init__(self, header: bytes, *, whole: bool) -> None:
        self._header_sha256 = sha256(header).hexdigest()
        self.whole = sha256(header) if whole else None
        self._chunks: list[str] = []
        self._checksum, self._in_chunk = 0, 0

    def add_to_chunk(self, data: memoryview) -> None:
        """Takes the next bytes of the data, which don't cross the border of a chunk, into their chunk's checksum."""
        self._checksum = zlib.crc32(data, self._checksum)
        self._in_chunk += data.nbytes
        if self._in_chunk == CHUNK_BYTES:
            self._end_chunk()

    def _end_chunk(self) -> None:
        self._chunks.append(f"{self._checksum:08x}")
        self._checksum, self._in_chunk = 0, 0

    def record(self, plan: FilePlan) -> FileRecord:
        """The record of the file, once all of its bytes were added."""
        if self._in_chunk:
            self._end_chunk()
        whole = None if self.whole is None else self.whole.hexdigest()
        return FileRecord(plan.name, plan.size_bytes, len(plan.header), self._header_sha256, tuple(self._chunks), whole)


@dataclass(frozen=True, slots=True)
class PlannedFile:
    """A new file, what belongs into it, and what makes it durable."""

    file: WritableFile
    plan: FilePlan
    sync: Callable[[], None]


def write_files(files: Sequence[PlannedFile], *, whole_digest: bool) -> list[FileRecord]:
    """Writes files and syncs them; what the manifest will say of each.

    SHA-256 takes longer than all the rest together, the wait for the device included, and one file's can't be shared
    among processors. So each file's has a thread to itself (without it the checksums do), and FILES_AT_ONCE files
    grow side by side. Storage is asked by the calling thread alone, in an order that follows from the plans.
    """
    records = []
    for first in range(0, len(files), FILES_AT_ONCE):
        records += _write_side_by_side(files[first : first + FILES_AT_ONCE], whole_digest=whole_digest)
    return records


def _write_side_by_side(files: Sequence[PlannedFile], *, whole_digest: bool) -> list[FileRecord]:
    with ExitStack() as threads:
        growing = [_GrowingFile(file, threads, whole_digest=whole_digest) for file in files]
        left = list(growing)
        while left:
            furthest_behind = min(left, key=lambda file: file.share)
            if not furthest_behind.write_next():
                left.remove(furthest_behind)
        for file in files:
            file.sync()
    return [file.record() for file in growing]


class _GrowingFile:
    """A file while it is written, part by part."""

    def __init__(self, file: PlannedFile, threads: ExitStack, *, whole_digest: bool) -> None:
        self._file, self._plan = file.file, file.plan
        self._digests = digests = FileDigests(file.plan.header, whole=whole_digest)
        action = digests.add_to_chunk if digests.whole is None else digests.whole.update
        self._beside = threads.enter_context(_Beside(action))
        self._parts = parts_of_chunks(file.plan)
        self._written = 0
        self._file.write(file.plan.header)

    @property
    def share(self) -> float:
        """How much of the data is written."""
        return self._written / max(self._plan.data_bytes, 1)

    def write_next(self) -> bool:
        """Writes the next part, if there is one."""
        part = next(self._parts, None)
        if part is None:
            return False
        self._beside.take(part)
        self._file.write(part)
        if self._digests.whole is not None:
            self._digests.add_to_chunk(part)
        self._written += part.nbytes
        return True

    def record(self) -> FileRecord:
        """What the manifest will say of it, once it is written and its thread has ended."""
        return self._digests.record(self._plan)


class _Beside:
    """A thread that does something with data while it is written.

    (An executor would refuse work as soon as the main thread has ended, when saves in the background go on.)
    """

    def __init__(self, action: Callable[[memoryview], object]) -> None:
        self._action = action
        self._data: Queue[memoryview | None] = Queue(maxsize=1)  # more would be memory that is held
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run)

    def take(self, data: memoryview) -> None:
        """Hands on the next data, as soon as there is room."""
        self._data.put(data)

    def _run(self) -> None:
        while (data := self._data.get()) is not None:
            if self._error is None:
                try:
                    self._action(data)
                except BaseException as error:  # noqa: BLE001 - raised by the thread that waits for it
                    self._error = error

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._data.put(None)
        self._thread.join()
        if kind is None and self._error is not None:
            raise self._error


def parts_of_chunks(plan: FilePlan) -> Iterator[memoryview]:
    """The data of a file in pieces of at most CHUNK_BYTES, none of which crosses the border of a chunk."""
    return _regrouped(block for part in plan.parts for block in blocks(on_host(part.source), CHUNK_BYTES))


def _regrouped(views: Iterable[memoryview]) -> Iterator[memoryview]:
    """Views cut where chunks end, and joined where they are small: a large tensor's bytes are not copied."""
    gathered = bytearray()
    room = CHUNK_BYTES
    for whole in views:
        view: Any = whole
        while view.nbytes:
            taken = view[:room]
            view, room = view[taken.nbytes :], room - taken.nbytes
            if taken.nbytes < _SMALL_BYTES:
                gathered += taken
                taken = None
            if gathered and (taken is not None or not room or len(gathered) >= _SMALL_BYTES):
                yield memoryview(gathered)
                gathered = bytearray()
            if taken is not None:
                yield taken
            room = room or CHUNK_BYTES
    if gathered:
        yield memoryview(gathered)
