"""`python -m crash.disks.server FILE IMAGE LOG`: shows an image as a lone file, and logs what is written to it."""

from __future__ import annotations

import os
import stat
import sys
from errno import ENOENT
from pathlib import Path
from typing import Any

os.environ.setdefault("FUSE_LIBRARY_NAME", "fuse3")  # libfuse 2, where both are there, would cut writes into pages

import mfusepy

from crash.disks.log import LogFile


class RecordingDisk(mfusepy.Operations):  # type: ignore[misc] # the binding has no types
    """One file, to put a loop device on: that one sends its flushes as fsync."""

    use_ns = True

    def __init__(self, name: str, image: Path, log: LogFile) -> None:
        self._path, self._log = f"/{name}", log
        self._descriptor = os.open(image, os.O_RDWR)
        self._size_bytes = os.fstat(self._descriptor).st_size

    def getattr(self, path: str, fh: int | None = None) -> dict[str, Any]:
        if path == "/":
            return {"st_mode": stat.S_IFDIR | 0o700, "st_nlink": 2}
        if path != self._path:
            raise mfusepy.FuseOSError(ENOENT)
        return {"st_mode": stat.S_IFREG | 0o600, "st_nlink": 1, "st_size": self._size_bytes}

    def open(self, path: str, flags: int) -> int:
        return 0

    def read(self, path: str, size: int, offset: int, fh: int) -> bytes:
        return os.pread(self._descriptor, size, offset)

    def write(self, path: str, data: bytes, offset: int, fh: int) -> int:
        self._log.write(offset, data)
        return os.pwrite(self._descriptor, data, offset)

    def fsync(self, path: str, datasync: int, fh: int) -> int:
        self._log.flush()
        return 0


def main(file: str, image: str, log: str) -> None:
    """Serves until the folder is unmounted. One request after the other, so that the log has an order."""
    folder, name = os.path.split(file)
    disk = RecordingDisk(name, Path(image), LogFile(Path(log)))
    mfusepy.FUSE(disk, folder, foreground=True, nothreads=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
