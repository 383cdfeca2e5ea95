"""What is known of an array without its data: shape, dtype, device."""

from __future__ import annotations

from math import prod

from .dtypes import DType
from .errors import DeviceError
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
    """The device that a string such as "cpu" or "cuda:1" names; TensorFlow's "/device:CPU:0" is understood too.

    Whether it is installed is not asked here (see devices.find_device).

    Raises: DeviceError for a string that names none.
    """
    if isinstance(name, Device):
        return name
    if name == "cpu":
        return CPU
    kind, _, index = str(name).lower().removeprefix("/").removeprefix("device:").partition(":")
    if not kind or not (index or "0").isdigit():
        raise DeviceError(f"{name!r} names no device", expected="a name such as 'cpu' or 'cuda:1'", got=repr(name))
    return CPU if kind == "cpu" and int(index or 0) == 0 else Device(kind, int(index or 0))


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
