"""Verifying: whether a checkpoint is sound, and if it isn't, what is lost."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from hashlib import sha256
from threading import Lock

from dovetail_protocols.errors import CheckpointCorruptError

from .choices import require_choice
from .extents import THREADS, Verify, telling_failures
from .file_damage import file_damage
from .layout import headers_of
from .limits import DEFAULT, Limits
from .manifest import FileRecord, Manifest
from .object_tree import shown
from .reading import Reader
from .storage import FileSystem, Place, locate
from .threads import side_by_side

_BYTES = re.compile(r"bytes ([\d,]+) to ([\d,]+):")


@dataclass(frozen=True, slots=True)
class Damage:
    """What is wrong with one file of a checkpoint, and the tensors that lie there."""

    file: str
    what: str
    tensors: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Verification:
    """What a verification found. `digest` is the manifest's, or "" where that could not be read."""

    path: str
    level: Verify
    digest: str
    damages: tuple[Damage, ...]
    size_bytes: int
    seconds: float

    @property
    def is_sound(self) -> bool:
        """Whether nothing is wrong."""
        return not self.damages


def verify(
    path: str | os.PathLike[str],
    level: Verify = "full",
    *,
    limits: Limits = DEFAULT,
    file_system: FileSystem | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Verification:
    """Reads a checkpoint through and tells all that is wrong with it, nothing of it being restored.

    `level` "full" compares the SHA-256 of every file, "chunks" the CRC-32 of every chunk, "header" sizes and headers.
    `progress` is called with the bytes read so far and those there are, one call at a time, but not always by the
    thread that asked: several files are read side by side.

    Raises: CheckpointError where there is no checkpoint, or it can't be read for want of rights and the like;
    CheckpointUnsafeError, CheckpointVersionError.
    """
    return verify_place(locate(path, file_system), level, limits, progress)


def verify_place(
    place: Place,
    level: Verify = "full",
    limits: Limits = DEFAULT,
    progress: Callable[[int, int], None] | None = None,
) -> Verification:
    """`verify` of a place."""
    require_choice("level", level, Verify)
    started = time.perf_counter()
    try:
        reader = Reader(place, limits, "header")
    except CheckpointCorruptError as error:
        damage = Damage("manifest.json", str(error.cause), ())
        return Verification(str(place), level, "", (damage,), 0, time.perf_counter() - started)
    with reader:
        manifest = reader.manifest
        total = sum(file.size_bytes for file in manifest.files)
        done, telling = 0, Lock()

        def advance(count: int) -> None:
            nonlocal done
            with telling:
                done += count
                if progress is not None:
                    progress(done, total)

        damages = _damages(reader, level, advance)
    return Verification(str(place), level, manifest.digest, tuple(damages), done, time.perf_counter() - started)


def _damages(reader: Reader, level: Verify, advance: Callable[[int], None]) -> list[Damage]:
    manifest = reader.manifest
    headers = headers_of(len(manifest.files), manifest.tensors)
    wrong: list[list[str]] = [[] for _ in headers]

    def look(number: int) -> None:
        try:
            wrong[number] = _damage(reader, manifest.files[number], headers[number], level, advance)
        except CheckpointCorruptError as error:
            wrong[number] = [str(error.cause)]

    side_by_side(look, range(len(headers)), THREADS)
    return [
        Damage(record.name, what, _tensors(manifest, number, what))
        for number, record in enumerate(manifest.files)
        for what in wrong[number]
    ]


def _damage(
    reader: Reader, record: FileRecord, header: bytes, level: Verify, advance: Callable[[int], None]
) -> list[str]:
    with telling_failures(f"{reader}/{record.name}"):
        try:
            file = reader.folder.open(record.name)
        except FileNotFoundError:
            return ["it is missing"]
        with closing(file):
            return file_damage(file, record, sha256(header).hexdigest(), level, advance)


def _tensors(manifest: Manifest, number: int, what: str) -> tuple[str, ...]:
    """The tensors that lie in the bytes that are spoken of, or in the whole file."""
    start = manifest.files[number].data_start
    spoken = _BYTES.match(what)
    begin, end = (int(text.replace(",", "")) - start for text in spoken.groups()) if spoken else (0, 1 << 63)
    return tuple(
        shown(record.path)
        for record in manifest.tensors
        for piece in record.pieces
        if piece.file == number and piece.begin < end and piece.end > begin
    )
