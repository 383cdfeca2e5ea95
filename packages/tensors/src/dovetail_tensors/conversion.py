"""From anything to a Tensor."""

from __future__ import annotations

from typing import Any

import numpy as np
from dovetail_protocols import dtypes as dt
from dovetail_protocols import operations as ops
from dovetail_protocols.metas import Device

from .numpy_dtypes import dovetail_dtype, numpy_dtype
from .signature import signature_of
from .tensor import Tensor, make
from .variable import Variable


def convert(value: Any, dtype: dt.DType | str | None = None, device: Device | None = None) -> Tensor:
    """A tensor of a scalar, nested sequence, NumPy array, variable (read) or tensor (itself)."""
    wanted = None if dtype is None else dt.dtype(dtype)
    if type(value) is Variable:
        value = value.read_value()
    if type(value) is Tensor:
        return value if wanted is None or wanted is value.dtype else ops.cast(value, dtype=wanted)
    array = np.array(value, dtype=None if wanted is None else numpy_dtype(wanted))
    if wanted is None and not isinstance(value, (np.ndarray, np.generic)):
        array = array.astype({"int64": "int32", "float64": "float32", "complex128": "complex64"}.get(array.dtype.name, array.dtype))
    return make(array, signature_of(dovetail_dtype(array.dtype)))
