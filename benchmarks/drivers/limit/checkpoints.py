"""The least that saving and loading so many bytes takes: the system's own calls, and nothing else."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.disk import BLOCK_BYTES
from benchmarks.drivers.checkpoint_session import CheckpointSession
from benchmarks.drivers.session import NotApplicable
from benchmarks.workloads.workload import Array, Arrays

_NAME = "bytes"
_MOST = 10_000


def prepare(arrays: Arrays) -> CheckpointSession:
    """The arrays' bytes, in one piece where they are few.

    Raises:
        NotApplicable: There are very many arrays, whose names and shapes take more time than their bytes.
    """
    if len(arrays) > _MOST:
        raise NotApplicable("the time goes to names and shapes, not to bytes")
    return Session(arrays)


class Session(CheckpointSession):
    """Saving is what `dd bs=8M conv=fsync` does, loading the same into new memory, saving in the background a copy."""

    def __init__(self, arrays: Arrays) -> None:
        super().__init__(arrays)
        self._bytes = np.concatenate([array.reshape(-1).view(np.uint8) for array in arrays.values()])

    def save(self, folder: Path, *, durable: bool) -> None:
        file = os.open(folder / _NAME, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        try:
            for start in range(0, self._bytes.size, BLOCK_BYTES):
                block = memoryview(self._bytes[start : start + BLOCK_BYTES])
                while block:
                    block = block[os.write(file, block) :]
            if durable:
                os.fsync(file)
        finally:
            os.close(file)

    def load(self, folder: Path) -> Any:
        loaded = np.empty_like(self._bytes)
        with (folder / _NAME).open("rb", buffering=0) as file:
            for start in range(0, loaded.size, BLOCK_BYTES):
                block = memoryview(loaded[start : start + BLOCK_BYTES])
                while block:
                    count = file.readinto(block)
                    assert count, f"{folder / _NAME} is too short"
                    block = block[count:]
        return loaded

    def map(self, folder: Path) -> Any:
        return np.memmap(folder / _NAME, np.uint8, "r")

    def to_numpy(self, loaded: Any) -> Arrays:
        return _cut(loaded, self.arrays)

    def save_in_background(self, folder: Path) -> Callable[[], object]:
        copies = [array.copy() for array in self.arrays.values()]
        return copies.clear


def _cut(flat: Array, arrays: Arrays) -> dict[str, Array]:
    found, start = {}, 0
    for name, array in arrays.items():
        part = np.array(flat[start : start + array.nbytes])
        found[name] = part.view(array.dtype).reshape(array.shape)
        start += array.nbytes
    return found
