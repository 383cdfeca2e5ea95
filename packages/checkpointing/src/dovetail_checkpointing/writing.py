"""Writing a data file: its bytes go to storage and through the digests at the same time, in two threads."""

from __future__ import annotations

import zlib
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from hashlib import sha256
from typing import Any, Literal

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
    with ThreadPoolExecutor(1) as hashing:
        under_way: deque[Future[None]] = deque()
        for chunk in chunks(plan):
            under_way.append(hashing.submit(digests.add, chunk))
            file.write(chunk)
            if len(under_way) > 1:  # else hashing could fall behind, and hold more and more memory
                under_way.popleft().result()
        for one in under_way:
            one.result()
    return digests.record(plan)


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
