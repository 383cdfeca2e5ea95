"""Opening foreign files, and writing files that are there whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import numpy as np

from dovetail_protocols.errors import (
    CheckpointCorruptError,
    CheckpointError,
    CheckpointSpaceError,
    CheckpointUnsafeError,
)

from ..tensor_bytes import blocks

_BLOCK_BYTES = 8 << 20


class Writable(Protocol):
    """What bytes are written to: a file, or a member of an archive."""

    def write(self, data: memoryview, /) -> int: ...


@contextlib.contextmanager
def opened(path: Path, *, beside: bool = False) -> Iterator[BinaryIO]:
    """A regular file, opened for reading; a FIFO or device is neither waited for nor read. `beside` says that a file
    names it, rather than the user: then it may be no link either.

    Raises: CheckpointUnsafeError, CheckpointError where it can't be opened.
    """
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
    if beside:
        if path.is_symlink():
            raise CheckpointUnsafeError(
                "a file is a link", where=str(path), expected="a regular file", fix="copy what it leads to in its place"
            )
        flags |= getattr(os, "O_NOFOLLOW", 0)
    try:
        descriptor = os.open(path, flags)
    except OSError as error:
        raise CheckpointError("a file can't be opened", where=str(path), cause=str(error)) from error
    kind = stat.S_IFMT(os.fstat(descriptor).st_mode)
    if kind != stat.S_IFREG:
        os.close(descriptor)
        raise CheckpointUnsafeError(
            "this is no regular file", where=str(path), got=f"a {_KINDS.get(kind, 'special file')}"
        )
    with os.fdopen(descriptor, "rb") as file:
        yield file


_KINDS = {stat.S_IFDIR: "folder", stat.S_IFIFO: "pipe", stat.S_IFSOCK: "socket", stat.S_IFCHR: "device"}


def size_of(file: BinaryIO) -> int:
    """The bytes of an open file."""
    return os.fstat(file.fileno()).st_size


def read_exactly(file: BinaryIO, start: int, size: int, where: str) -> bytes:
    """Bytes of a file.

    Raises: CheckpointCorruptError where it ends before.
    """
    file.seek(start)
    data = file.read(size)
    if len(data) != size:
        raise CheckpointCorruptError(
            "a file is shorter than it says", where=where, expected=f"{size:,} bytes at {start:,}", got=f"{len(data):,}"
        )
    return data


def write_array(file: Writable, array: np.ndarray[Any, Any]) -> None:
    """Writes the C-ordered little-endian bytes of an array."""
    for block in blocks(array, _BLOCK_BYTES):
        file.write(block)


@contextlib.contextmanager
def replacing(path: Path, *, overwrite: bool = False) -> Iterator[BinaryIO]:
    """A new file to write, which gets its name when the block has ended and its bytes are on disk; if the block raises,
    nothing changed.

    Raises: CheckpointError where the name is taken (unless `overwrite`) or storage fails.
    """
    staging = path.with_name(f".tmp-{path.name}-{secrets.token_hex(8)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
        with os.fdopen(os.open(staging, flags, 0o666), "w+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        refuse_taken(path, overwrite)
        os.replace(staging, path)
        sync_folder(path.parent)
    except OSError as error:
        raise storage_error(error, str(path)) from error
    finally:
        staging.unlink(missing_ok=True)


def storage_error(error: OSError, where: str) -> CheckpointError:
    """What storage failed of: having no room, or something else."""
    kind = CheckpointSpaceError if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG) else CheckpointError
    return kind("a file could not be written", where=where, cause=str(error), effect="what was there is untouched")


def refuse_taken(path: Path, overwrite: bool) -> None:
    """Raises CheckpointError where there is something that isn't to be replaced."""
    if os.path.lexists(path) and not (overwrite and path.is_file()):
        raise CheckpointError(
            "the target of a conversion exists already",
            where=str(path),
            fix="choose another name, or pass overwrite=True to replace a file",
        )


def sync_folder(folder: Path) -> None:
    """Makes renames in a folder durable."""
    if os.name == "nt":
        return  # Windows has no such call, and makes renames durable itself
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
