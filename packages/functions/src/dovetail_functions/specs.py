"""TensorSpec: what a traced function is told of a tensor argument."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dovetail_protocols import dtypes, metas
from dovetail_protocols.default_device import current_device
from dovetail_protocols.dtypes import DType
from dovetail_protocols.errors import SignatureError
from dovetail_protocols.metas import CPU, Device, TensorMeta
from dovetail_protocols.records import record

Shape = tuple[Any, ...]
"""Sizes: ints, None for one that may vary, or Dims of an outer trace."""


@record
class TensorSpec:
    """Shape, dtype and device of a tensor argument: the current one where none is given. A size of None stands for any
    size.

    >>> TensorSpec([None, 3])
    TensorSpec((None, 3), float32)
    """

    shape: Shape
    dtype: DType = dtypes.float32
    name: str | None = None
    device: Device = CPU

    def __init__(
        self,
        shape: Sequence[int | None],
        dtype: DType | str = dtypes.float32,
        name: str | None = None,
        device: Device | str | None = None,
    ) -> None:
        place = current_device() if device is None else metas.device(device)
        fields = (checked_shape(shape), dtypes.dtype(dtype), name, place)
        for field, value in zip(("shape", "dtype", "name", "device"), fields, strict=True):
            object.__setattr__(self, field, value)

    def accepts(self, meta: TensorMeta) -> bool:
        """Whether an array of that meta fits."""
        return (
            meta.dtype is self.dtype
            and meta.device == self.device
            and len(meta.shape) == len(self.shape)
            and all(wanted is None or wanted == size for wanted, size in zip(self.shape, meta.shape, strict=True))
        )

    def __repr__(self) -> str:
        place = "" if self.device == CPU else f", device={str(self.device)!r}"
        return f"TensorSpec({self.shape}, {self.dtype}{place})"


def checked_shape(shape: Any) -> Shape:
    """The sizes as a tuple of ints and Nones.

    Raises: SignatureError for anything else; an unknown number of axes is not supported.
    """
    try:
        sizes = tuple(shape)
    except TypeError as error:
        raise SignatureError(
            "TensorSpec: the shape is no sequence of sizes",
            expected="a list or tuple of ints, with None for a size that may vary",
            got=repr(shape),
            fix="give one entry for each axis: the number of axes must be known",
        ) from error
    for size in sizes:
        if size is not None and (not isinstance(size, int) or isinstance(size, bool) or size < 0):
            raise SignatureError(
                "TensorSpec: a size is no natural number", expected="an int ≥ 0, or None", got=repr(size)
            )
    return sizes


def describe(shape: Sequence[int | None], kind: DType) -> str:
    """A shape and dtype as in metas, "float32[?,3]"."""
    return f"{kind}[{','.join('?' if size is None else str(size) for size in shape)}]"
