"""Object stores and other remote storage, by way of fsspec: s3://, gs://, az://, memory:// and many more.

Nothing is renamed there and nothing is locked: a checkpoint's data files have names of their own, and the manifest,
which is created last and only if there is none, makes them a checkpoint (docs/checkpoints/object-stores.md).
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import wraps
from pathlib import PurePath
from typing import Any, ParamSpec, Self, TypeVar

from dovetail_protocols.errors import CheckpointError

_P = ParamSpec("_P")
_T = TypeVar("_T")
_AT_ONCE_BYTES = 64 << 20
"""Files up to this size, manifests among them, are handed over whole, so that storage itself can see to it that they
are new. Larger ones are streamed."""


def _raising_os_errors(call: Callable[_P, _T]) -> Callable[_P, _T]:
    """Libraries of object stores have errors of their own; callers here expect OSError."""

    @wraps(call)
    def wrapped(*arguments: _P.args, **keywords: _P.kwargs) -> _T:
        try:
            return call(*arguments, **keywords)
        except (OSError, CheckpointError):
            raise
        except Exception as error:
            raise OSError(errno.EPROTO, f"{type(error).__name__}: {error}") from error

    return wrapped


class ObjectStore:
    """A FileSystem over one of fsspec's."""

    publishes_by_rename = False

    def __init__(self, remote: Any) -> None:
        self._remote = remote

    @classmethod
    def of(cls, url: str) -> tuple[Self, str]:
        """The store of a URL, and the path in it.

        Raises: CheckpointError where a package is missing.
        """
        try:
            from fsspec.core import url_to_fs

            remote, path = url_to_fs(url)
        except (ImportError, ValueError) as error:
            raise CheckpointError(
                "checkpoints at a URL need fsspec, and its package for the scheme",
                where=url,
                cause=f"{error}",
                fix="pip install 'dovetail-checkpointing[remote]', and s3fs, gcsfs or adlfs",
            ) from error
        return cls(remote), path

    @_raising_os_errors
    def list_folder(self, path: PurePath) -> Sequence[str]:
        self._remote.invalidate_cache(str(path))
        return [name.rstrip("/").rpartition("/")[2] for name in self._remote.ls(str(path), detail=False)]

    @_raising_os_errors
    def exists(self, path: PurePath) -> bool:
        self._remote.invalidate_cache(str(path.parent))
        return bool(self._remote.exists(str(path)))

    def open_folder(self, path: PurePath) -> RemoteFolder:
        return RemoteFolder(self._remote, path)

    def make_folder(self, path: PurePath) -> None:
        """Nothing: a folder is but the beginning of names."""

    @_raising_os_errors
    def create(self, path: PurePath, size_bytes: int, *, replaces: bool = False) -> RemoteWritableFile:
        if not replaces and self.exists(path):
            raise FileExistsError(errno.EEXIST, "there is a file already", str(path))
        return RemoteWritableFile(self._remote, path, size_bytes, replaces=replaces)

    def sync_folder(self, path: PurePath) -> None:
        """Nothing: a file is durable once storage has taken it."""

    def rename(self, source: PurePath, target: PurePath) -> None:
        raise NotImplementedError("object stores rename nothing in one step")

    def exchange(self, one: PurePath, other: PurePath) -> None:
        raise NotImplementedError("object stores rename nothing in one step")

    @_raising_os_errors
    def remove_file(self, path: PurePath) -> None:
        if self._remote.isdir(str(path)):
            raise IsADirectoryError(errno.EISDIR, "this is a folder", str(path))
        self._remote.rm_file(str(path))

    @_raising_os_errors
    def remove_folder(self, path: PurePath) -> None:
        if self._remote.isdir(str(path)):  # most stores have none once they are empty
            self._remote.rmdir(str(path))

    def lock(self, path: PurePath, *, keep: bool) -> NoLock:
        return NoLock()

    def free_bytes(self, path: PurePath) -> int | None:
        return None

    def mount(self, path: PurePath) -> PurePath | None:
        return None


class NoLock:
    """Object stores have no locks that end with their process: who creates the manifest first has won."""

    def release(self) -> None:
        """Nothing."""


class RemoteWritableFile:
    """A new file. It is there, whole, once it was synced."""

    def __init__(self, remote: Any, path: PurePath, size_bytes: int, *, replaces: bool) -> None:
        self._remote, self._path = remote, str(path)
        self._mode = "overwrite" if replaces else "create"
        self._gathered = bytearray()
        self._stream: Any = None
        self._is_over = False
        remote.makedirs(str(path.parent), exist_ok=True)  # for those stores that do have folders
        if size_bytes > _AT_ONCE_BYTES:
            self._stream = remote.open(self._path, "wb", autocommit=False)

    @_raising_os_errors
    def write(self, data: bytes | memoryview) -> None:
        if self._stream is None:
            self._gathered += data
            return
        left = memoryview(data)
        while left.nbytes:
            count = self._stream.write(left)
            left = left[left.nbytes if count is None else count :]

    @_raising_os_errors
    def sync(self) -> None:
        self._is_over = True
        if self._stream is None:
            self._remote.pipe_file(self._path, bytes(self._gathered), mode=self._mode)
            self._gathered = bytearray()
        else:
            self._stream.close()
            self._stream.commit()

    def close(self) -> None:
        """Without a sync before, the file is given up."""
        if not self._is_over:
            self._is_over = True
            if self._stream is not None:
                with suppress(Exception):  # whatever came before is what is raised
                    self._stream.discard()
                with suppress(Exception):  # some file systems show a file before it is whole
                    self._remote.rm_file(self._path)


class RemoteFolder:
    """The names that begin with a folder's. Data files are never replaced under their names, so what is read belongs
    together whatever happens meanwhile."""

    def __init__(self, remote: Any, path: PurePath) -> None:
        self._remote, self._path = remote, path

    @_raising_os_errors
    def open(self, name: str) -> RemoteReadableFile:
        path = str(self._path / name)
        self._remote.invalidate_cache(str(self._path))
        info = self._remote.info(path)
        if info.get("type") != "file":
            raise FileNotFoundError(errno.ENOENT, "there is no such file", path)
        return RemoteReadableFile(self._remote, path, int(info["size"]))

    def close(self) -> None:
        """Nothing is held."""


class RemoteReadableFile:
    """A file; each read asks for its bytes."""

    def __init__(self, remote: Any, path: str, size_bytes: int) -> None:
        self._remote, self._path, self.size_bytes = remote, path, size_bytes

    @_raising_os_errors
    def read_into(self, offset: int, *buffers: memoryview) -> int:
        end = min(offset + sum(buffer.nbytes for buffer in buffers), self.size_bytes)
        if end <= offset:
            return 0
        data = memoryview(self._remote.cat_file(self._path, start=offset, end=end))
        done = 0
        for buffer in buffers:
            part = data[done : done + buffer.nbytes]
            buffer[: part.nbytes] = part
            done += part.nbytes
        return done

    def map(self) -> memoryview:
        data = bytearray(self.size_bytes)
        self.read_into(0, memoryview(data))
        return memoryview(data).toreadonly()

    def forget_cached(self) -> None:
        """Nothing is remembered."""

    def close(self) -> None:
        """Nothing is held."""
