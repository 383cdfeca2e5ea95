"""Dovetail's checkpoints."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import dovetail_checkpointing as checkpointing
from benchmarks.drivers.checkpoint_session import CheckpointSession
from benchmarks.workloads.workload import Array, Arrays

_ROOT = "model"  # a top-level key has files of its own


def prepare(arrays: Arrays) -> CheckpointSession:
    """Each chunk's checksum is compared on loading, as it is by default."""
    return Session(arrays, "chunks")


class Session(CheckpointSession):
    """Saving and loading with what `verify` compares on loading."""

    def __init__(self, arrays: Arrays, verify: Literal["header", "chunks"]) -> None:
        super().__init__(arrays)
        self._verify = verify

    def save(self, folder: Path, *, durable: bool) -> None:
        durability = "power-loss" if durable else "process"
        checkpointing.save(folder / "checkpoint", {_ROOT: self.arrays}, durability=durability)

    def load(self, folder: Path) -> Any:
        return checkpointing.restore(folder / "checkpoint", verify=self._verify).tree[_ROOT]

    def to_numpy(self, loaded: Any) -> Arrays:
        arrays: Arrays = loaded
        return arrays

    def open_one(self, folder: Path, name: str) -> Array:
        with checkpointing.open(folder / "checkpoint") as reader:
            array: Array = reader.read(f"{_ROOT}/{name}")
        return array

    def save_in_background(self, folder: Path) -> Callable[[], object]:
        pending = checkpointing.save_async(folder / "checkpoint", {_ROOT: self.arrays})
        wait: Callable[[], object] = pending.result
        return wait
