"""The storage that saving and restoring go through: small, so that tests can inject faults into each of its calls."""

from __future__ import annotations

import ctypes
import os
import shutil
import sys
from pathlib import Path
from typing import Any, Protocol

from dovetail_protocols.errors import CheckpointError

_RENAME_EXCHANGE = 2
_AT_FDCWD = -100


class FileSystem(Protocol):
    """What saving needs of storage. Each call raises OSError on failure; none retries."""

    def make_directory(self, path: Path) -> None: ...
    def write(self, path: Path, chunks: list[bytes | memoryview]) -> None:
        """Writes a new file and fsyncs it."""

    def sync_directory(self, path: Path) -> None: ...
    def rename(self, source: Path, target: Path, *, exchange: bool) -> None:
        """Renames atomically; with `exchange` the two swap places."""

    def remove_tree(self, path: Path) -> None: ...


class LocalFileSystem:
    """Folders of this machine."""

    def make_directory(self, path: Path) -> None:
        path.mkdir(parents=True)

    def write(self, path: Path, chunks: list[bytes | memoryview]) -> None:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0), 0o666)
        with os.fdopen(descriptor, "wb", buffering=0) as file:
            for chunk in chunks:
                view = memoryview(chunk).cast("B")
                while view.nbytes:
                    view = view[file.write(view) :]
            os.fsync(file.fileno())

    def sync_directory(self, path: Path) -> None:
        if os.name == "nt":
            return  # Windows has no such call, and makes renames durable itself
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def rename(self, source: Path, target: Path, *, exchange: bool) -> None:
        if exchange:
            _exchange(source, target)
        else:
            os.rename(source, target)

    def remove_tree(self, path: Path) -> None:
        shutil.rmtree(path, ignore_errors=True)


def _exchange(source: Path, target: Path) -> None:
    """Swaps two folders in one step: the only way to replace one so that at each moment the old or the new is there."""
    library: Any = ctypes.CDLL(None, use_errno=True) if os.name == "posix" else None
    if sys.platform == "linux" and hasattr(library, "renameat2"):
        arguments = (_AT_FDCWD, os.fsencode(source), _AT_FDCWD, os.fsencode(target), _RENAME_EXCHANGE)
        failed = library.renameat2(*arguments)
    elif sys.platform == "darwin" and hasattr(library, "renamex_np"):
        failed = library.renamex_np(os.fsencode(source), os.fsencode(target), _RENAME_EXCHANGE)
    else:
        raise CheckpointError(
            "this system can't replace a checkpoint in one step", fix="save to a new path for each step instead"
        )
    if failed:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), str(target))
