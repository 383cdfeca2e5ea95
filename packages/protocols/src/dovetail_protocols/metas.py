"""What is known of an array without its data: shape, dtype, device."""

from __future__ import annotations

from math import prod

from .dtypes import DType
from .records import record


@record
class Device:
    """A place where buffers live and kernels run: `kind` ("cpu", "cuda", …) and the index among those of its kind."""

    kind: str = "cpu"
    index: int = 0

    def __str__(self) -> str:
        return f"{self.kind}:{self.index}" if self.index else self.kind


CPU = Device("cpu", 0)
UNKNOWN_SIZE = -1
"""In the metas that a data-dependent operation gives to evaluators: a size that only its kernel finds out."""


def device(name: str | Device) -> Device:
    """The device that a string such as "cpu" or "cuda:1" names. Whether it is installed is not asked here."""
    if isinstance(name, Device):
        return name
    kind, _, index = name.partition(":")
    if name == "cpu":
        return CPU
    return Device(kind, int(index) if index else 0)


@record
class TensorMeta:
    """Shape, dtype and device of an array. `shape` is a tuple of ints; during tracing with unknown sizes its entries
    may be int subclasses that remember where they came from, so use plain arithmetic and comparisons on them."""

    shape: tuple[int, ...]
    dtype: DType
    device: Device = CPU

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        return prod(self.shape)

    @property
    def size_bytes(self) -> int:
        return prod(self.shape) * self.dtype.size_bytes

    def __repr__(self) -> str:
        place = "" if self.device == CPU else f"@{self.device}"
        return f"{self.dtype}[{','.join(str(size) for size in self.shape)}]{place}"
