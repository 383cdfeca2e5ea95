"""What the harness asks of a format for checkpoints."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.drivers.session import NotApplicable
from benchmarks.workloads.workload import Array, Arrays


class CheckpointSession(ABC):
    """Arrays that are saved to and loaded from a folder of the session's own, which is there and empty before a save.

    A method that a format has nothing for raises NotApplicable.
    """

    def __init__(self, arrays: Arrays) -> None:
        self.arrays = arrays

    @abstractmethod
    def save(self, folder: Path, *, durable: bool) -> None:
        """Write the arrays; if `durable`, return once all of it would survive a power cut."""

    @abstractmethod
    def load(self, folder: Path) -> Any:
        """All arrays in the format's own form, in memory that this process alone has."""

    @abstractmethod
    def to_numpy(self, loaded: Any) -> Arrays:
        """What `load` or `map` gave, as NumPy arrays by name."""

    def map(self, folder: Path) -> Any:
        """The arrays as views of the mapped file, read as they are used. What can't be mapped is loaded."""
        return self.load(folder)

    def open_one(self, folder: Path, name: str) -> Array:
        """One array of a checkpoint that wasn't open, as a NumPy array."""
        raise NotApplicable("it reads whole checkpoints only")

    def save_in_background(self, folder: Path) -> Callable[[], object]:
        """Return once the arrays may be changed; what is returned waits until the save is complete."""
        raise NotApplicable("it has no saving in the background")

    def close(self) -> None:  # noqa: B027 - most have nothing to end
        """End what the session started."""
