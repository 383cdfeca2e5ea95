"""Files of an export as they lie in storage: no link is followed, and each is measured before it is read."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from hashlib import sha256
from pathlib import Path

from dovetail_protocols.errors import CheckpointError, CheckpointUnsafeError

from ..commit import Staging
from ..extents import telling_failures
from ..limits import Limits, require_below
from ..storage import LocalFileSystem, Place, ReadableFile, ReadableFolder
from .format import NAME, corrupt
from .records import AssetRecord

_PIECE_BYTES = 8 << 20
Asset = str | os.PathLike[str] | bytes
"""A file to go along: its path, or its contents."""


@contextmanager
def opened(place: Place) -> Iterator[ReadableFolder]:
    """A folder, held until the end of the body.

    Raises: CheckpointError where there is none, or it can't be read.
    """
    with telling_failures(place):
        try:
            folder = place.file_system.open_folder(place.path)
        except (FileNotFoundError, NotADirectoryError) as error:
            raise _absent(place, error) from error
    try:
        yield folder
    finally:
        folder.close()


def refuse_link(place: Place) -> None:
    """Raises CheckpointUnsafeError for a folder inside of an export that is a link to somewhere else."""
    if isinstance(place.file_system, LocalFileSystem) and os.path.islink(place.path):
        raise CheckpointUnsafeError(
            "a folder of an exported program is a symbolic link",
            where=str(place),
            effect="nothing was loaded",
            fix="copy the export with its files, not with links to them",
        )


def read_program_file(folder: ReadableFolder, place: Place, limits: Limits) -> bytes:
    """The contents of program.json.

    Raises: CheckpointError where there is none, CheckpointUnsafeError for a link, or for more bytes than the limit.
    """
    with _file(folder, NAME, place) as file:
        require_below("a program file", file.size_bytes, limits.program_bytes, "program_bytes", place.child(NAME))
        data = bytearray(file.size_bytes)
        if file.read_into(0, memoryview(data)) != len(data):
            raise corrupt(place.child(NAME), "it became shorter while it was read")
        return bytes(data)


def check_asset(folder: ReadableFolder, place: Place, name: str, expected: AssetRecord) -> None:
    """Raises CheckpointCorruptError where an asset isn't what was exported, CheckpointUnsafeError for a link."""
    where = place.child(name)
    with _file(folder, name, place) as file:
        if file.size_bytes != expected.size_bytes:
            raise corrupt(where, f"{file.size_bytes:,} of {expected.size_bytes:,} bytes")
        digest, done = sha256(), 0
        piece = memoryview(bytearray(min(_PIECE_BYTES, expected.size_bytes)))
        while done < expected.size_bytes and (count := file.read_into(done, piece)):
            digest.update(piece[:count])
            done += count
    if digest.hexdigest() != expected.sha256:
        raise corrupt(where, f"its SHA-256 is {digest.hexdigest()}, expected {expected.sha256}")


def size_of(asset: Asset) -> int:
    """The bytes of an asset."""
    return len(asset) if isinstance(asset, bytes) else os.stat(asset).st_size


def write_asset(staging: Staging, name: str, asset: Asset) -> AssetRecord:
    """Puts an asset into a folder under way, durably, and says what it is.

    Raises: CheckpointError for a file that grew or shrank meanwhile.
    """
    size, digest, done = size_of(asset), sha256(), 0
    file = staging.create(name, size)
    try:
        for piece in [asset] if isinstance(asset, bytes) else _pieces(Path(asset)):
            digest.update(piece)
            file.write(piece)
            done += len(piece)
        if done != size:
            raise CheckpointError(
                "an asset changed while it was exported",
                where=f"{asset!r:.200}",
                effect="nothing was exported",
                fix="try again once nobody writes to it",
            )
        staging.sync(file, name)
    finally:
        file.close()
    return AssetRecord(size, digest.hexdigest())


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(_PIECE_BYTES):
            yield piece


@contextmanager
def _file(folder: ReadableFolder, name: str, place: Place) -> Iterator[ReadableFile]:
    with telling_failures(place.child(name)):
        try:
            file = folder.open(name)
        except FileNotFoundError as error:
            if name == NAME:
                raise _absent(place, error) from error
            raise corrupt(place.child(name), "it is missing") from error
        with closing(file):
            yield file


def _absent(place: Place, error: OSError) -> CheckpointError:
    return CheckpointError(
        "there is no exported program",
        where=str(place),
        cause=f"{error.strerror}",
        fix=f"check the path: it leads to the folder with {NAME}",
    )
