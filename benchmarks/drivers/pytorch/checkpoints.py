"""torch.save and torch.load."""

from pathlib import Path
from typing import Any

import torch

from benchmarks.disk import sync_file
from benchmarks.drivers.checkpoint_session import CheckpointSession
from benchmarks.workloads.workload import Array, Arrays

_NAME = "checkpoint.pt"


def prepare(arrays: Arrays) -> CheckpointSession:
    """Tensors that share the arrays' memory."""
    return Session(arrays)


class Session(CheckpointSession):
    """torch.save never asks for its file to be on the device, so a durable save does so for it afterwards."""

    def __init__(self, arrays: Arrays) -> None:
        super().__init__(arrays)
        self._tensors = {name: torch.from_numpy(array) for name, array in arrays.items()}

    def save(self, folder: Path, *, durable: bool) -> None:
        torch.save(self._tensors, folder / _NAME)
        if durable:
            sync_file(folder / _NAME)

    def load(self, folder: Path) -> Any:
        return torch.load(folder / _NAME, weights_only=True)

    def map(self, folder: Path) -> Any:
        return torch.load(folder / _NAME, weights_only=True, mmap=True)

    def to_numpy(self, loaded: Any) -> Arrays:
        return {name: tensor.numpy() for name, tensor in loaded.items()}

    def open_one(self, folder: Path, name: str) -> Array:
        array: Array = self.map(folder)[name].numpy().copy()
        return array
