"""Orbax, with its default format, for trees of NumPy arrays."""

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np
from orbax import checkpoint as orbax

from benchmarks.drivers.checkpoint_session import CheckpointSession
from benchmarks.drivers.session import NotApplicable
from benchmarks.workloads.workload import Arrays

_MOST = 10_000


def prepare(arrays: Arrays) -> CheckpointSession:
    """Arrays in this process's memory.

    Raises:
        NotApplicable: There are so many that one save takes minutes.
    """
    if len(arrays) > _MOST:
        raise NotApplicable(f"more than {_MOST:,} tensors take it minutes")
    return Session(arrays)


class Session(CheckpointSession):
    """It can't be told not to write to the device."""

    def __init__(self, arrays: Arrays) -> None:
        super().__init__(arrays)
        self._saver = orbax.Checkpointer(orbax.PyTreeCheckpointHandler())
        self._background = orbax.AsyncCheckpointer(orbax.PyTreeCheckpointHandler())
        self._wanted = jax.tree.map(lambda _: orbax.RestoreArgs(restore_type=np.ndarray), dict(arrays))

    def save(self, folder: Path, *, durable: bool) -> None:
        if not durable:
            raise NotApplicable("it always writes to the device")
        self._saver.save(folder / "checkpoint", dict(self.arrays))

    def load(self, folder: Path) -> Any:
        return self._saver.restore(folder / "checkpoint", restore_args=self._wanted)

    def to_numpy(self, loaded: Any) -> Arrays:
        arrays: Arrays = loaded
        return arrays

    def save_in_background(self, folder: Path) -> Callable[[], object]:
        self._background.save(folder / "checkpoint", dict(self.arrays))
        wait: Callable[[], object] = self._background.wait_until_finished
        return wait

    def close(self) -> None:
        with contextlib.closing(self._background), contextlib.closing(self._saver):
            pass
