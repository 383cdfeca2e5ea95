"""torch.distributed.checkpoint, in a single process."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch.distributed
import torch.distributed.checkpoint as distributed

from benchmarks.drivers.checkpoint_session import CheckpointSession
from benchmarks.drivers.session import NotApplicable
from benchmarks.workloads.workload import Arrays

_MOST = 10_000


def prepare(arrays: Arrays) -> CheckpointSession:
    """A group of one process: saving in the background asks for a group.

    Raises:
        NotApplicable: There are so many arrays that one load takes minutes.
    """
    if len(arrays) > _MOST:
        raise NotApplicable(f"more than {_MOST:,} tensors take it minutes")
    torch.distributed.init_process_group("gloo", store=torch.distributed.HashStore(), rank=0, world_size=1)
    return Session(arrays)


class Session(CheckpointSession):
    """It asks for each file to be on the device, unless told otherwise."""

    def __init__(self, arrays: Arrays) -> None:
        super().__init__(arrays)
        self._tensors = {name: torch.from_numpy(array) for name, array in arrays.items()}

    def save(self, folder: Path, *, durable: bool) -> None:
        distributed.save(self._tensors, storage_writer=distributed.FileSystemWriter(folder, sync_files=durable))

    def load(self, folder: Path) -> Any:
        """It loads into tensors that are there, so these are made first, as by a program that starts."""
        loaded = {name: torch.empty_like(tensor) for name, tensor in self._tensors.items()}
        distributed.load(loaded, storage_reader=distributed.FileSystemReader(folder))
        return loaded

    def to_numpy(self, loaded: Any) -> Arrays:
        return {name: tensor.numpy() for name, tensor in loaded.items()}

    def save_in_background(self, folder: Path) -> Callable[[], object]:
        future: Any = distributed.async_save(self._tensors, checkpoint_id=folder)
        wait: Callable[[], object] = future.result
        return wait

    def close(self) -> None:
        torch.distributed.destroy_process_group()
