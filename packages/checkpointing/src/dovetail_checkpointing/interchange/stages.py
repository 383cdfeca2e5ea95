"""How far a conversion is. Each of its stages moves all bytes once: out of the source, into the target."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import PurePath
from typing import Any

import numpy as np

from ..storage.local import LocalFileSystem, LocalWritableFile
from .contents import Contents, StoredArray
from .files import Writable
from .rules import size_bytes

Progress = Callable[[int, int], None]
"""Is called with the bytes that are done and those that there are."""


class Stages:
    """Tells how far a number of stages are, of which one begins after the other."""

    def __init__(self, tell: Progress | None, count: int = 1) -> None:
        self._tell, self._count = tell, count
        self._begun = self._size = self._done = 0

    @property
    def are_told(self) -> bool:
        """Whether anybody listens."""
        return self._tell is not None

    def begin(self, size_bytes: int = 0) -> None:
        """Goes on to the next stage, which moves so many bytes; 0 where that is not known yet."""
        self._begun, self._size, self._done = self._begun + 1, size_bytes, 0

    def reach(self, done: int, size_bytes: int) -> None:
        """So many bytes of this stage are moved, of those there are."""
        self._size, self._done = size_bytes, min(done, size_bytes)
        if self._tell is not None and self._size:
            self._tell((self._begun - 1) * self._size + self._done, self._count * self._size)

    def add(self, count: int) -> None:
        """So many bytes more are moved. Headers and the like may make them more than there are."""
        self.reach(self._done + count, self._size)

    def end(self) -> None:
        """All is done, also where an array with several names was moved once."""
        self._begun = self._count
        self.reach(self._size, self._size)


class CountedFile:
    """A file that is written to, block by block."""

    def __init__(self, inner: Writable, stages: Stages) -> None:
        self._inner, self._stages = inner, stages

    def write(self, data: memoryview) -> int:
        """Writes all of it."""
        count = self._inner.write(data)
        self._stages.add(data.nbytes)
        return count


def counted(contents: Contents, stages: Stages) -> Contents:
    """Contents whose arrays count as moved when they are read."""
    if not stages.are_told:
        return contents

    def read_counted(array: StoredArray) -> StoredArray:
        def read() -> np.ndarray[Any, Any]:
            found = array.read()
            stages.add(size_bytes(array.shape, array.dtype))
            return found

        return replace(array, read=read)

    return replace(contents, arrays={name: read_counted(array) for name, array in contents.arrays.items()})


class CountingFileSystem(LocalFileSystem):
    """This machine's, where bytes count as moved when they are written."""

    def __init__(self, stages: Stages) -> None:
        self._stages = stages

    def create(self, path: PurePath, size_bytes: int, *, replaces: bool = False) -> LocalWritableFile:
        if replaces:
            return super().create(path, size_bytes, replaces=True)
        return _CountedLocalFile(path, size_bytes, self._stages)


class _CountedLocalFile(LocalWritableFile):
    def __init__(self, path: PurePath, size_bytes: int, stages: Stages) -> None:
        super().__init__(path, size_bytes)
        self._stages = stages

    def write(self, data: bytes | memoryview) -> None:
        super().write(data)
        self._stages.add(memoryview(data).nbytes)
