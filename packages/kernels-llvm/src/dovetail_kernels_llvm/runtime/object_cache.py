"""Machine code on disk, so that the next process need not compile it.

It is code that will run: the folder must belong to the user and be writable by nobody else. Every entry carries a
checksum, so that one that is torn, damaged or not ours is never used; it is replaced. Whatever the disk does, only
time is lost."""

from __future__ import annotations

import hashlib
import os
import stat
import struct
import sys
import time
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

VARIABLE = "DOVETAIL_CACHE_DIR"
"""Names the folder for caches; empty, there are none."""
SIZE_BYTES = 256 << 20
"""How much is kept; what wasn't used for longest goes first."""
TOUCH_SECONDS = 3600
"""How exactly the time of the last use is kept."""
ABANDONED_SECONDS = 3600
"""After this, a file that was never finished is taken to belong to no running process."""

_MAGIC = b"dovetail-object\n"
_VERSION = 1
_HEADER = struct.Struct("<16sIQ32s32s")
"""Magic, version, length of the code, the entry's key, and the SHA-256 checksum of key and code."""


def cache_folder() -> Path | None:
    """Where machine code is kept: in DOVETAIL_CACHE_DIR, else in the user's folder for caches; None for nowhere."""
    named = os.environ.get(VARIABLE)
    if named is not None:
        return Path(named) / "kernels-llvm" if named else None
    try:
        home = Path.home()
    except RuntimeError:  # a user without a home
        return None
    if sys.platform == "darwin":
        base = home / "Library" / "Caches"
    elif os.name == "nt":
        base = Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local")
    else:
        # Source: XDG Base Directory Specification 0.8: relative paths are to be ignored.
        named = os.environ.get("XDG_CACHE_HOME", "")
        base = Path(named) if os.path.isabs(named) else home / ".cache"
    return base / "dovetail" / "kernels-llvm"


class ObjectCache:
    """Entries of machine code by key (64 hexadecimal digits). Processes may share it."""

    def __init__(self, folder: Path, size_bytes: int = SIZE_BYTES) -> None:
        self._path, self._size_bytes = folder, size_bytes
        self._warned = False

    def load(self, keys: Iterable[str]) -> dict[str, bytes]:
        """What is kept of some keys, whole and unchanged."""
        found: dict[str, bytes] = {}
        with self._opened(create=False) as folder:
            if folder is not None:
                codes = {key: self._read(folder, key) for key in keys}
                found = {key: code for key, code in codes.items() if code is not None}
        return found

    def store(self, entries: Mapping[str, bytes]) -> None:
        """Keeps entries; removes old ones now and then."""
        with self._opened(create=True) as folder:
            if folder is None:
                return
            try:
                for key, code in entries.items():
                    _write(folder, key, code)
                # One key in 64 begins like this, so that not every compilation looks through the folder.
                if any(key < "04" for key in entries):
                    self._trim(folder)
            except OSError as error:
                self._warn(f"they can't be written: {error}")

    @contextmanager
    def _opened(self, *, create: bool) -> Iterator[Folder | None]:
        """The folder; None where there is none, or none that can be trusted."""
        folder = None
        try:
            if create:
                os.makedirs(self._path, mode=0o700, exist_ok=True)
            folder = Folder(self._path)
            distrust = folder.distrust()
        except FileNotFoundError:
            distrust = None
        except OSError as error:
            distrust = str(error)
        try:
            if distrust:
                self._warn(distrust)
            yield None if distrust else folder
        finally:
            if folder:
                folder.close()

    def _warn(self, reason: str) -> None:
        if not self._warned:
            self._warned = True
            warnings.warn(
                f"compiled kernels are not kept in {self._path}: {reason}. Each process compiles them anew; set "
                f"{VARIABLE} to a folder of your own, or to nothing to have no cache",
                RuntimeWarning,
                stacklevel=2,
            )

    def _read(self, folder: Folder, key: str) -> bytes | None:
        try:
            with open(folder.open(f"{key}.o", os.O_RDONLY), "rb") as file:
                data = file.read()
                if time.time() - os.fstat(file.fileno()).st_mtime > TOUCH_SECONDS:
                    with suppress(OSError):
                        os.utime(file.fileno() if os.utime in os.supports_fd else folder.path / f"{key}.o")
        except OSError:
            return None
        return _code(data, key)

    def _trim(self, folder: Folder) -> None:
        """Removes what was used longest ago, until there is some room, and files that were never finished."""
        now = time.time()
        files = []
        for name, status in folder.entries():
            if name.endswith(".o"):
                files.append((status.st_mtime, status.st_size, name))
            elif now - status.st_mtime > ABANDONED_SECONDS:
                folder.remove(name)
        excess = sum(size for _, size, _ in files) - self._size_bytes
        if excess > 0:
            excess += self._size_bytes // 8
        for _, size, name in sorted(files):
            if excess <= 0:
                break
            folder.remove(name)
            excess -= size


def _code(data: bytes, key: str) -> bytes | None:
    """The code of an entry; None where it isn't whole and of that key."""
    if len(data) < _HEADER.size:
        return None
    magic, version, length, named, checksum = _HEADER.unpack_from(data)
    code = data[_HEADER.size :]
    sound = (magic, version, length, named) == (_MAGIC, _VERSION, len(code), bytes.fromhex(key))
    return code if sound and hashlib.sha256(named + code).digest() == checksum else None


def _write(folder: Folder, key: str, code: bytes) -> None:
    """Writes an entry under another name first, so that nobody reads half of it."""
    name = bytes.fromhex(key)
    header = _HEADER.pack(_MAGIC, _VERSION, len(code), name, hashlib.sha256(name + code).digest())
    temporary = f"{key}.{os.getpid()}.{os.urandom(4).hex()}.new"
    descriptor = folder.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    try:
        with open(descriptor, "wb") as file:
            file.write(header + code)
        folder.rename(temporary, f"{key}.o")
    except OSError:
        folder.remove(temporary)
        raise


class Folder:
    """An open folder. Files are opened relative to it, so that nobody can put another one in its place meanwhile, on
    systems that offer that."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY) if os.open in os.supports_dir_fd else None

    def close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)

    def distrust(self) -> str | None:
        """Why code from this folder must not be run; None where it may. Windows protects the user's folders itself."""
        if self._descriptor is None:
            return None
        status = os.fstat(self._descriptor)
        if status.st_uid != os.geteuid():
            return f"the folder belongs to another user ({status.st_uid})"
        if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            return f"others may write there (mode {stat.S_IMODE(status.st_mode):o})"
        return None

    def _at(self, name: str) -> str | Path:
        return self.path / name if self._descriptor is None else name

    def open(self, name: str, flags: int) -> int:
        """A descriptor of a file."""
        flags |= getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0)
        return os.open(self._at(name), flags, 0o600, dir_fd=self._descriptor)

    def rename(self, name: str, to: str) -> None:
        """Gives a file another name, in place of one that has it."""
        os.replace(self._at(name), self._at(to), src_dir_fd=self._descriptor, dst_dir_fd=self._descriptor)

    def remove(self, name: str) -> None:
        """Removes a file, if it can be."""
        with suppress(OSError):
            os.remove(self._at(name), dir_fd=self._descriptor)

    def entries(self) -> Iterator[tuple[str, os.stat_result]]:
        """Names and what is known of them, of all files that are still there."""
        for name in os.listdir(self.path if self._descriptor is None else self._descriptor):
            with suppress(OSError):
                yield name, os.stat(self._at(name), dir_fd=self._descriptor, follow_symlinks=False)
