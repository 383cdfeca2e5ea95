"""Writing data files: their bytes go to storage and through the digests at the same time, in several threads."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from hashlib import sha256
from queue import SimpleQueue
from threading import Condition, Thread
from types import TracebackType
from typing import Any, Literal, Self

from .checksums import crc32
from .layout import FilePlan
from .manifest import CHUNK_BYTES, FileRecord
from .processors import Processors
from .storage import WritableFile
from .tensor_bytes import blocks, lies_as_stored, on_host
from .threads import started

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
        self._checksum = crc32(data, self._checksum)
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
    # The device is to be busy early, so a processor is left to the thread that writes, until it has written.
    processors = Processors(max(1, (os.cpu_count() or 1) - 1))
    with ExitStack() as threads:
        growing = [_GrowingFile(file, threads, processors, whole_digest=whole_digest) for file in files]
        left = list(growing)
        while left:
            furthest_behind = min(left, key=lambda file: file.share)
            if not furthest_behind.write_next():
                left.remove(furthest_behind)
        processors.add()
        for file in files:
            file.sync()
    return [file.record() for file in growing]


class _GrowingFile:
    """A file while it is written, part by part."""

    def __init__(self, file: PlannedFile, threads: ExitStack, processors: Processors, *, whole_digest: bool) -> None:
        self._file, self._plan = file.file, file.plan
        self._digests = digests = FileDigests(file.plan.header, whole=whole_digest)
        action = digests.add_to_chunk if digests.whole is None else digests.whole.update
        self._beside = threads.enter_context(_Beside(action, processors, file.plan.data_bytes))
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
        self._file.write(part.data)
        if self._digests.whole is not None:
            self._digests.add_to_chunk(part.data)
        self._written += part.data.nbytes
        return True

    def record(self) -> FileRecord:
        """What the manifest will say of it, once it is written and its thread has ended."""
        return self._digests.record(self._plan)


class _Beside:
    """A thread that does something with so many bytes while they are written, whenever it gets one of the processors.
    Where there is no room for a thread, the one that writes does it.

    (An executor would refuse work as soon as the main thread has ended, when saves in the background go on.)
    """

    def __init__(self, action: Callable[[memoryview], object], processors: Processors, size_bytes: int) -> None:
        self._action, self._processors, self._left_bytes = action, processors, size_bytes
        self._waiting: SimpleQueue[DataPart | None] = SimpleQueue()
        self._copied_bytes = 0
        self._room_for_copies = Condition()
        self._error: BaseException | None = None
        self._is_given_up = False
        self._thread: Thread | None = None

    def take(self, part: DataPart) -> None:
        """Hands on the next data. Of copies few may wait, for they take memory; tensors are there anyway."""
        if self._thread is None:
            self._action(part.data)
            return
        if part.is_copy:
            with self._room_for_copies:
                self._room_for_copies.wait_for(lambda: self._copied_bytes < CHUNK_BYTES)
                self._copied_bytes += part.data.nbytes
        self._waiting.put(part)

    def _run(self) -> None:
        while (part := self._waiting.get()) is not None:
            with self._processors.one(self._left_bytes):
                while part is not None:
                    self._do(part)
                    if self._waiting.empty() or self._processors.should_yield(self._left_bytes):
                        break
                    part = self._waiting.get()
            if part is None:
                break

    def _do(self, part: DataPart) -> None:
        if self._error is None and not self._is_given_up:
            try:
                self._action(part.data)
            except BaseException as error:  # noqa: BLE001 - raised by the thread that waits for it
                self._error = error
        self._left_bytes -= part.data.nbytes
        if part.is_copy:
            with self._room_for_copies:
                self._copied_bytes -= part.data.nbytes
                self._room_for_copies.notify()

    def __enter__(self) -> Self:
        self._thread = started(self._run)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._is_given_up = kind is not None
        if self._thread is not None:
            self._waiting.put(None)
            self._thread.join()
        if kind is None and self._error is not None:
            raise self._error


@dataclass(frozen=True, slots=True)
class DataPart:
    """Bytes of a file, in a tensor's own memory or in a copy of its own."""

    data: memoryview
    is_copy: bool


def parts_of_chunks(plan: FilePlan) -> Iterator[DataPart]:
    """The data of a file in pieces of at most CHUNK_BYTES, none of which crosses the border of a chunk."""
    return _regrouped(
        DataPart(block, is_copy=not lies_as_stored(part.source))
        for part in plan.parts
        for block in blocks(on_host(part.source), CHUNK_BYTES)
    )


def _regrouped(parts: Iterable[DataPart]) -> Iterator[DataPart]:
    """Parts cut where chunks end, and joined where they are small: a large tensor's bytes are not copied."""
    gathered = bytearray()
    room = CHUNK_BYTES
    for part in parts:
        view: Any = part.data
        while view.nbytes:
            taken = view[:room]
            view, room = view[taken.nbytes :], room - taken.nbytes
            if taken.nbytes < _SMALL_BYTES:
                gathered += taken
                taken = None
            if gathered and (taken is not None or not room or len(gathered) >= _SMALL_BYTES):
                yield DataPart(memoryview(gathered), is_copy=True)
                gathered = bytearray()
            if taken is not None:
                yield DataPart(taken, part.is_copy)
            room = room or CHUNK_BYTES
    if gathered:
        yield DataPart(memoryview(gathered), is_copy=True)
