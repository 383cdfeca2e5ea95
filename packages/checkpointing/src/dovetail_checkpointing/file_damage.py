"""What is wrong with a data file, found by reading it through."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256

from .checksums import crc32
from .extents import Verify
from .manifest import CHUNK_BYTES, FileRecord
from .storage import ReadableFile


def file_damage(
    file: ReadableFile,
    record: FileRecord,
    header_sha256: str,
    level: Verify,
    progress: Callable[[int], None] = lambda count: None,
) -> list[str]:
    """Everything that is wrong, in words, with the bytes concerned; nothing where it is sound.

    `header_sha256`: of the header that follows from the manifest's tensors. At "header" only size and header are read;
    at "chunks" the checksum of every chunk is compared; at "full" the SHA-256 of the whole file too. `progress` is told
    how many bytes were read each time.
    """
    size = file.size_bytes
    if size != record.size_bytes:
        return [f"{size:,} of {record.size_bytes:,} bytes"]
    header = bytearray(record.data_start)
    file.read_into(0, memoryview(header))
    progress(len(header))
    found = []
    if sha256(header).hexdigest() != record.header_sha256:
        found.append("its header is not the one that was written")
    elif record.header_sha256 != header_sha256:
        found.append("its header says something else than the manifest")
    if level == "header":
        return found
    whole = sha256(header)
    buffer = memoryview(bytearray(CHUNK_BYTES))
    for number, expected in enumerate(record.chunk_crc32):
        begin = record.data_start + number * CHUNK_BYTES
        view = buffer[: min(CHUNK_BYTES, size - begin)]
        count = file.read_into(begin, view)
        checksum = crc32(view[:count])
        if f"{checksum:08x}" != expected:
            end = begin + view.nbytes
            found.append(f"bytes {begin:,} to {end:,}: CRC-32 {checksum:08x}, expected {expected}")
        if level == "full":
            whole.update(view[:count])
        progress(view.nbytes)
    if level == "full" and record.sha256 is not None and whole.hexdigest() != record.sha256 and not found:
        found.append(f"SHA-256 {whole.hexdigest()}, expected {record.sha256}")
    return found
