"""safetensors.numpy, and safe_open."""

from pathlib import Path
from typing import Any

import safetensors
import safetensors.numpy

from benchmarks.disk import sync_file
from benchmarks.drivers.checkpoint_session import CheckpointSession
from benchmarks.workloads.workload import Array, Arrays

_NAME = "checkpoint.safetensors"


def prepare(arrays: Arrays) -> CheckpointSession:
    """NumPy arrays as they are."""
    return Session(arrays)


class Session(CheckpointSession):
    """The library never asks for its file to be on the device, so a durable save does so for it afterwards."""

    def save(self, folder: Path, *, durable: bool) -> None:
        safetensors.numpy.save_file(dict(self.arrays), folder / _NAME)
        if durable:
            sync_file(folder / _NAME)

    def load(self, folder: Path) -> Any:
        return safetensors.numpy.load_file(folder / _NAME)

    def to_numpy(self, loaded: Any) -> Arrays:
        arrays: Arrays = loaded
        return arrays

    def open_one(self, folder: Path, name: str) -> Array:
        with safetensors.safe_open(folder / _NAME, framework="np") as file:
            array: Array = file.get_tensor(name)
        return array
