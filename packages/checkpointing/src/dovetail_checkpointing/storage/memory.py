"""Checkpoints in memory: for tests, which then need no disk."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import PurePath

from dovetail_protocols.errors import CheckpointBusyError

_Folder = dict[str, "_Folder | bytearray"]


class MemoryFileSystem:
    """A FileSystem that is gone when nobody holds it any more. Relative and absolute paths begin at the same folder.

    It fails as a disk does: for what is there already, isn't there, or isn't a folder.
    """

    publishes_by_rename = True

    def __init__(self) -> None:
        self._root: _Folder = {}
        self._locked: set[tuple[str, ...]] = set()
        self._changing = threading.RLock()
        """Names change one at a time, as in a kernel: what is looked at first stays so."""

    def list_folder(self, path: PurePath) -> Sequence[str]:
        return list(self._folder(path))

    def exists(self, path: PurePath) -> bool:
        try:
            self._node(path)
        except (FileNotFoundError, NotADirectoryError):
            return False
        return True

    def open_folder(self, path: PurePath) -> _OpenFolder:
        return _OpenFolder(self._folder(path), path)

    def make_folder(self, path: PurePath) -> None:
        self._add(path, {})

    def create(self, path: PurePath, size_bytes: int, *, replaces: bool = False) -> _NewFile:
        if replaces:
            raise NotImplementedError("files are replaced in object stores only")
        data = bytearray(size_bytes)
        self._add(path, data)
        return _NewFile(data)

    def sync_folder(self, path: PurePath) -> None:
        self._folder(path)

    def rename(self, source: PurePath, target: PurePath) -> None:
        with self._changing:
            moved, folder = self._node(source), self._folder(target.parent)
            if folder.get(target.name, {}) != {}:
                raise _error(errno.ENOTEMPTY, target)
            del self._folder(source.parent)[source.name]
            folder[target.name] = moved

    def exchange(self, one: PurePath, other: PurePath) -> None:
        with self._changing:
            first, second = self._node(one), self._node(other)
            self._folder(one.parent)[one.name], self._folder(other.parent)[other.name] = second, first

    def remove_file(self, path: PurePath) -> None:
        with self._changing:
            if isinstance(self._node(path), dict):
                raise _error(errno.EISDIR, path)
            del self._folder(path.parent)[path.name]

    def remove_folder(self, path: PurePath) -> None:
        with self._changing:
            if self._folder(path):
                raise _error(errno.ENOTEMPTY, path)
            del self._folder(path.parent)[path.name]

    def lock(self, path: PurePath, *, keep: bool) -> _Lock:
        return _Lock(self, path, keep=keep)

    def forget_locks(self) -> None:
        """As if the processes that hold them had ended."""
        self._locked.clear()

    def free_bytes(self, path: PurePath) -> int | None:
        return None

    def mount(self, path: PurePath) -> PurePath | None:
        return None

    def _node(self, path: PurePath) -> _Folder | bytearray:
        node: _Folder | bytearray = self._root
        for name in _names(path):
            if not isinstance(node, dict):
                raise _error(errno.ENOTDIR, path)
            if name not in node:
                raise _error(errno.ENOENT, path)
            node = node[name]
        return node

    def _folder(self, path: PurePath) -> _Folder:
        node = self._node(path)
        if not isinstance(node, dict):
            raise _error(errno.ENOTDIR, path)
        return node

    def _add(self, path: PurePath, node: _Folder | bytearray) -> None:
        with self._changing:
            folder = self._folder(path.parent)
            if path.name in folder:
                raise _error(errno.EEXIST, path)
            folder[path.name] = node


class _NewFile:
    """A file under way, of its full size from the start."""

    def __init__(self, data: bytearray) -> None:
        self._data, self._end = data, 0

    def write(self, data: bytes | memoryview) -> None:
        view = memoryview(data).cast("B")
        self._data[self._end : self._end + view.nbytes] = view
        self._end += view.nbytes

    def sync(self) -> None: ...
    def close(self) -> None: ...


class _OpenFolder:
    """A folder, whatever its name is by now."""

    def __init__(self, folder: _Folder, path: PurePath) -> None:
        self._folder, self._path = folder, path

    def open(self, name: str) -> _OpenFile:
        if name not in self._folder:
            raise _error(errno.ENOENT, self._path / name)
        data = self._folder[name]
        if isinstance(data, dict):
            from .local import irregular

            raise irregular(self._path / name, "a folder")
        return _OpenFile(data)

    def close(self) -> None: ...


class _OpenFile:
    """A file for reading."""

    def __init__(self, data: bytes | bytearray) -> None:
        self._data = data

    @property
    def size_bytes(self) -> int:
        return len(self._data)

    def read_into(self, offset: int, *buffers: memoryview) -> int:
        at = offset
        for buffer in buffers:
            part = self._data[at : at + buffer.nbytes]
            buffer[: len(part)] = part
            at += len(part)
        return at - offset

    def map(self) -> memoryview:
        return memoryview(bytes(self._data))

    def forget_cached(self) -> None: ...
    def close(self) -> None: ...


class _Lock:
    """The lock of one path, between the threads of this process."""

    def __init__(self, files: MemoryFileSystem, path: PurePath, *, keep: bool) -> None:
        self._files, self._path, self._keep, self._names = files, path, keep, _names(path)
        with files._changing:
            if self._names in files._locked:
                raise CheckpointBusyError(
                    "somebody else is writing there",
                    where=str(path.parent),
                    got=f"this process, {os.getpid()}",
                    effect="nothing was written",
                    fix="wait until it has finished, or write to another folder",
                )
            if not files.exists(path):
                files.create(path, 0)
            files._locked.add(self._names)

    def release(self) -> None:
        with self._files._changing:
            if self._names in self._files._locked:
                self._files._locked.discard(self._names)
                if not self._keep:
                    with suppress(OSError):  # its folder may be gone
                        self._files.remove_file(self._path)


def _names(path: PurePath) -> tuple[str, ...]:
    return path.parts[1:] if path.is_absolute() else path.parts


def _error(number: int, path: PurePath) -> OSError:
    return OSError(number, os.strerror(number), str(path))
