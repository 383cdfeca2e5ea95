"""Calls of the system that Python has no names for."""

from __future__ import annotations

import ctypes
import errno
import os
import sys
from functools import cache
from pathlib import PurePath
from typing import Any

_RENAME_EXCHANGE = 2
_AT_FDCWD = -100
_SYNC_FILE_RANGE_WRITE = 2
_NOT_THERE = frozenset({errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL})


def exchange(one: PurePath, other: PurePath) -> None:
    """Swaps two names in one step: the only way to replace a folder so that at each moment the old or the new is there.

    Raises: OSError, with ENOTSUP where the system has no such call.
    """
    library = _library()
    if sys.platform == "linux" and hasattr(library, "renameat2"):
        failed = library.renameat2(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE)
    elif sys.platform == "darwin" and hasattr(library, "renamex_np"):
        failed = library.renamex_np(os.fsencode(one), os.fsencode(other), _RENAME_EXCHANGE)
    else:
        raise OSError(errno.ENOTSUP, "this system can't swap two folders in one step", str(other))
    if failed:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), str(other))


def reserve(descriptor: int, size_bytes: int) -> None:
    """Reserves room on the device for a file, where the system and the file system can.

    Not os.posix_fallocate: where a file system can't, the C library would write into every block instead.
    """
    library = _library()
    if not size_bytes or sys.platform != "linux" or not hasattr(library, "fallocate64"):
        return
    if library.fallocate64(descriptor, 0, ctypes.c_int64(0), ctypes.c_int64(size_bytes)):
        number = ctypes.get_errno()
        if number not in _NOT_THERE:
            raise OSError(number, os.strerror(number))


def start_writing(descriptor: int, begin: int, size_bytes: int) -> None:
    """Has the system begin to write a part of a file to the device, where it can be told to, and doesn't wait for it.

    A hint: nothing is durable by it, and what goes wrong is for the sync to tell.
    """
    library = _library()
    if sys.platform == "linux" and hasattr(library, "sync_file_range"):
        library.sync_file_range(descriptor, ctypes.c_int64(begin), ctypes.c_int64(size_bytes), _SYNC_FILE_RANGE_WRITE)


@cache
def _library() -> Any:
    return ctypes.CDLL(None, use_errno=True) if os.name == "posix" else None
