"""Writing a data file: its bytes go to storage and through the digests at the same time, in two threads."""

from __future__ import annotations

import threading
import zlib
from collections.abc import Iterable, Iterator
from hashlib import sha256
from queue import Queue
from types import TracebackType
from typing import Any, Literal, Self

from .layout import FilePlan
from .manifest import CHUNK_BYTES, FileRecord
from .storage import WritableFile
from .tensor_bytes import blocks, on_host

Digest = Literal["crc32", "sha256"]


class FileDigests:
    """What a manifest says of a file's bytes, gathered while they are written."""

    def __init__(self, header: bytes, *, whole: bool) -> None:
        self._header_sha256 = sha256(header).hexdigest()
        self._whole = sha256(header) if whole else None
        self._chunks: list[str] = []

    def add(self, chunk: memoryview) -> None:
        """Takes the next chunk of the data."""
        self._chunks.append(f"{zlib.crc32(chunk):08x}")
        if self._whole is not None:
            self._whole.update(chunk)

    def record(self, plan: FilePlan) -> FileRecord:
        """The record of the file, once every chunk was added."""
        whole = None if self._whole is None else self._whole.hexdigest()
        return FileRecord(plan.name, plan.size_bytes, len(plan.header), self._header_sha256, tuple(self._chunks), whole)


def write_file(file: WritableFile, plan: FilePlan, *, whole_digest: bool) -> FileRecord:
    """Writes a planned file; what the manifest will say of it. It is not synced yet."""
    digests = FileDigests(plan.header, whole=whole_digest)
    file.write(plan.header)
    with _Hashing(digests) as hashing:
        for chunk in chunks(plan):
            hashing.take(chunk)
            file.write(chunk)
    return digests.record(plan)


class _Hashing:
    """A thread that takes digests of chunks while they are written.

    (An executor would refuse work as soon as the main thread has ended, when saves in the background go on.)
    """

    def __init__(self, digests: FileDigests) -> None:
        self._digests = digests
        self._chunks: Queue[memoryview | None] = Queue(maxsize=1)  # more would be memory that is held
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run)

    def take(self, chunk: memoryview) -> None:
        """Hands on the next chunk, as soon as there is room."""
        self._chunks.put(chunk)

    def _run(self) -> None:
        while (chunk := self._chunks.get()) is not None:
            if self._error is None:
                try:
                    self._digests.add(chunk)
                except BaseException as error:  # noqa: BLE001 - raised by the thread that waits for it
                    self._error = error

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._chunks.put(None)
        self._thread.join()
        if kind is None and self._error is not None:
            raise self._error


def chunks(plan: FilePlan) -> Iterator[memoryview]:
    """The data of a file in pieces of CHUNK_BYTES, the last one shorter."""
    return _regrouped(block for part in plan.parts for block in blocks(on_host(part.source), CHUNK_BYTES))


def _regrouped(views: Iterable[memoryview]) -> Iterator[memoryview]:
    """Views cut and joined to equal sizes: a large tensor's bytes are not copied, those of many small ones are."""
    gathered = bytearray()
    for whole in views:
        view: Any = whole
        while view.nbytes:
            if not gathered and view.nbytes >= CHUNK_BYTES:
                yield view[:CHUNK_BYTES]
                view = view[CHUNK_BYTES:]
                continue
            taken = view[: CHUNK_BYTES - len(gathered)]
            gathered += taken
            view = view[taken.nbytes :]
            if len(gathered) == CHUNK_BYTES:
                yield memoryview(gathered)
                gathered = bytearray()
    if gathered:
        yield memoryview(gathered)
