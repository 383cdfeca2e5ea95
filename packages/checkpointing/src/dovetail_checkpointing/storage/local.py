"""Folders of this machine."""

from __future__ import annotations

import errno
import mmap
import os
import stat
import sys
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path, PurePath

from dovetail_protocols.errors import CheckpointUnsafeError

from . import native
from .locking import FileLock

_CLOSE = getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | _CLOSE
_READ = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | _CLOSE
_AHEAD_BYTES = 8 << 20
_BUFFERS = 1024
"""So many at most are filled by one call. Source: IOV_MAX of Linux and macOS."""
_HAS_FOLDER_HANDLES = os.open in os.supports_dir_fd


class LocalFileSystem:
    """A FileSystem of the folders that the operating system shows. Modes of files and folders follow the umask."""

    publishes_by_rename = True

    def list_folder(self, path: PurePath) -> Sequence[str]:
        return os.listdir(path)

    def exists(self, path: PurePath) -> bool:
        return os.path.lexists(path)

    def open_folder(self, path: PurePath) -> LocalFolder:
        return LocalFolder(Path(path))

    def make_folder(self, path: PurePath) -> None:
        os.mkdir(path)

    def create(self, path: PurePath, size_bytes: int, *, replaces: bool = False) -> LocalWritableFile:
        if replaces:
            raise NotImplementedError("folders of this machine are replaced by an exchange")
        return LocalWritableFile(path, size_bytes)

    def sync_folder(self, path: PurePath) -> None:
        if sys.platform == "win32":
            return  # it has no such call, and makes renames durable itself
        descriptor = os.open(path, os.O_RDONLY | _CLOSE)
        try:
            _sync(descriptor)
        finally:
            os.close(descriptor)

    def rename(self, source: PurePath, target: PurePath) -> None:
        os.rename(source, target)

    def exchange(self, one: PurePath, other: PurePath) -> None:
        native.exchange(one, other)

    def remove_file(self, path: PurePath) -> None:
        os.unlink(path)

    def remove_folder(self, path: PurePath) -> None:
        os.rmdir(path)

    def lock(self, path: PurePath, *, keep: bool) -> FileLock:
        return FileLock(Path(path), keep=keep)

    def free_bytes(self, path: PurePath) -> int | None:
        if sys.platform == "win32":
            import shutil

            return shutil.disk_usage(path).free
        found = os.statvfs(path)
        return found.f_bavail * found.f_frsize

    def mount(self, path: PurePath) -> PurePath | None:
        found = Path(os.path.abspath(path))
        while not os.path.ismount(found) and found != found.parent:
            found = found.parent
        return found


class LocalWritableFile:
    """A new file of this machine."""

    def __init__(self, path: PurePath, size_bytes: int) -> None:
        self._descriptor = os.open(path, _CREATE, 0o666)
        self._written = self._started = 0
        try:
            native.reserve(self._descriptor, size_bytes)
        except BaseException:
            self.close()
            raise

    def write(self, data: bytes | memoryview) -> None:
        left = memoryview(data).cast("B")
        while left.nbytes:
            count = os.write(self._descriptor, left)
            left, self._written = left[count:], self._written + count
        if self._written - self._started >= _AHEAD_BYTES:  # so that the device is busy before the sync
            native.start_writing(self._descriptor, self._started, self._written - self._started)
            self._started = self._written

    def sync(self) -> None:
        _sync(self._descriptor)

    def close(self) -> None:
        if self._descriptor >= 0:
            descriptor, self._descriptor = self._descriptor, -1
            os.close(descriptor)


class LocalFolder:
    """A folder of this machine, held by a handle, so that what it has can't be swapped for something else meanwhile."""

    _descriptor = -1

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | _CLOSE) if _HAS_FOLDER_HANDLES else -1

    def open(self, name: str) -> LocalReadableFile:
        try:
            if _HAS_FOLDER_HANDLES:
                descriptor = os.open(name, _READ, dir_fd=self._descriptor)
            else:
                descriptor = os.open(self._path / name, _READ)
        except OSError as error:
            if error.errno == errno.ELOOP:
                raise irregular(self._path / name, "a symbolic link") from error
            if error.errno in (errno.ENXIO, errno.EISDIR):  # a socket, or a pipe or device without its other end
                raise irregular(self._path / name, "no file") from error
            raise
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise irregular(self._path / name, "a folder, pipe or device")
        return LocalReadableFile(descriptor)

    def close(self) -> None:
        if self._descriptor >= 0:
            descriptor, self._descriptor = self._descriptor, -1
            with suppress(OSError):  # nothing was written to it
                os.close(descriptor)

    def __del__(self) -> None:
        self.close()


class LocalReadableFile:
    """A file of this machine."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    @property
    def size_bytes(self) -> int:
        return os.fstat(self._descriptor).st_size

    def read_into(self, offset: int, *buffers: memoryview) -> int:
        left = deque(buffer for buffer in buffers if buffer.nbytes)
        at = offset
        while left:
            count = _read_at(self._descriptor, list(islice(left, _BUFFERS)), at)
            if not count:
                break
            at += count
            while left and left[0].nbytes <= count:
                count -= left.popleft().nbytes
            if count:
                left[0] = left[0][count:]
        return at - offset

    def map(self) -> memoryview:
        return (
            memoryview(mmap.mmap(self._descriptor, 0, access=mmap.ACCESS_READ)) if self.size_bytes else memoryview(b"")
        )

    def forget_cached(self) -> None:
        if hasattr(os, "posix_fadvise"):
            os.posix_fadvise(self._descriptor, 0, 0, os.POSIX_FADV_DONTNEED)

    def close(self) -> None:
        if self._descriptor >= 0:
            descriptor, self._descriptor = self._descriptor, -1
            with suppress(OSError):  # nothing was written to it
                os.close(descriptor)

    def __del__(self) -> None:
        self.close()


if hasattr(os, "preadv"):

    def _read_at(descriptor: int, buffers: list[memoryview], offset: int) -> int:
        """How many bytes were read: not always as many as there is room for."""
        return os.preadv(descriptor, buffers, offset)

else:  # Windows, where a position belongs to the file: one read at a time
    import threading

    _READING = threading.Lock()

    def _read_at(descriptor: int, buffers: list[memoryview], offset: int) -> int:
        with _READING:
            os.lseek(descriptor, offset, os.SEEK_SET)
            data = os.read(descriptor, buffers[0].nbytes)
        buffers[0][: len(data)] = data
        return len(data)


def _sync(descriptor: int) -> None:
    if sys.platform == "darwin":
        import fcntl

        fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)  # fsync there stops at the device's own cache
    else:
        os.fsync(descriptor)


def irregular(path: PurePath, what: str) -> CheckpointUnsafeError:
    return CheckpointUnsafeError(
        "a file of a checkpoint is no regular file",
        where=str(path),
        got=what,
        effect="it was not read",
        fix="copy the checkpoint with its files, not with links to them",
    )
