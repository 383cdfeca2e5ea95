"""Contents of tensors as bytes: in C order, each element little-endian, a bool one byte of 0 or 1."""

from __future__ import annotations

import sys

import numpy as np

from dovetail_protocols.errors import ShapeError
from dovetail_protocols.metas import TensorMeta

from .devices import from_host
from .numpy_dtypes import numpy_dtype
from .signature import signature_of
from .tensor import Tensor, make


def to_bytes(array: Tensor) -> bytes:
    """The contents of a concrete tensor.

    Raises: ConcretizationError, LeakedTensorError for a symbolic one.
    """
    buffer = np.asarray(array._concrete("writing it as bytes"))
    return (buffer if sys.byteorder == "little" else buffer.byteswap()).tobytes()


def from_bytes(data: bytes, meta: TensorMeta) -> Tensor:
    """A tensor of the given meta with a copy of the data as contents. Any byte but 0 is True for a bool.

    Raises: ShapeError where the data's length doesn't fit the meta.
    """
    if len(data) != meta.size_bytes:
        raise ShapeError(
            "the data doesn't fill the tensor", expected=f"{meta.size_bytes} bytes for {meta}", got=f"{len(data)} bytes"
        )
    dtype = numpy_dtype(meta.dtype)
    buffer = np.ndarray(meta.shape, np.uint8 if dtype == np.bool_ else dtype, bytearray(data))
    if dtype == np.bool_:
        buffer = np.asarray(buffer != 0)
    if sys.byteorder == "big":
        buffer = buffer.byteswap()
    return make(from_host(buffer, meta.device), signature_of(meta.dtype, meta.device))
