"""Files and folders of an export as they lie on disk: no link is followed, and each is measured before it is read."""

from __future__ import annotations

import os
import stat
from hashlib import sha256
from io import BufferedReader
from pathlib import Path

from dovetail_protocols.errors import CheckpointError, CheckpointUnsafeError

from .format import NAME, corrupt
from .records import AssetRecord

_FLAGS = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
_PIECE_BYTES = 8 << 20


def require_folder(path: Path) -> Path:
    """The path, where it is a folder and no link to one.

    Raises: CheckpointError where there is nothing, CheckpointUnsafeError where it is something else.
    """
    try:
        mode = path.lstat().st_mode
    except OSError as error:
        raise _absent(path, error) from error
    if not stat.S_ISDIR(mode):
        raise CheckpointUnsafeError("this is no folder", where=str(path), effect="nothing was loaded")
    return path


def read_limited(path: Path, limit_bytes: int) -> bytes:
    """The contents of a regular file, which may have so many bytes at most.

    Raises: CheckpointError where there is none, CheckpointUnsafeError for anything else, or for more bytes.
    """
    with _open(path) as file:
        size = os.fstat(file.fileno()).st_size
        if size > limit_bytes:
            raise CheckpointUnsafeError(
                "a program file is beyond the limit",
                where=str(path),
                expected=f"at most {limit_bytes:,} bytes",
                got=f"{size:,}",
                effect="it was not read",
                fix="if you trust who exported it, pass limit_bytes=…",
            )
        return file.read(size)


def checked_asset(folder: Path, name: str, expected: AssetRecord) -> Path:
    """The path of an asset, whose contents are those that were exported.

    Raises: CheckpointCorruptError where they aren't, CheckpointUnsafeError where it is no regular file.
    """
    path = require_folder(folder) / name
    digest = sha256()
    with _open(path) as file:
        size = os.fstat(file.fileno()).st_size
        if size != expected.size_bytes:
            raise corrupt(path, f"{size:,} of {expected.size_bytes:,} bytes")
        while piece := file.read(_PIECE_BYTES):
            digest.update(piece)
    if digest.hexdigest() != expected.sha256:
        raise corrupt(path, f"its SHA-256 is {digest.hexdigest()}, expected {expected.sha256}")
    return path


def _open(path: Path) -> BufferedReader:
    try:
        descriptor = os.open(path, _FLAGS)
    except FileNotFoundError as error:
        raise _absent(path, error) from error
    except OSError as error:
        raise CheckpointUnsafeError(
            "a file of a program can't be opened", where=str(path), cause=f"{error}", effect="nothing was loaded"
        ) from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise CheckpointUnsafeError("this is no regular file", where=str(path), effect="nothing was loaded")
    return os.fdopen(descriptor, "rb")


def _absent(path: Path, error: OSError) -> CheckpointError:
    return CheckpointError(
        "there is no exported program",
        where=str(path),
        cause=f"{error.strerror}",
        fix=f"check the path: {NAME} is in it",
    )
