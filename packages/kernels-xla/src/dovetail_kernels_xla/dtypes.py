"""Dovetail's dtypes as NumPy's, which are JAX's too."""

from __future__ import annotations

from functools import cache
from typing import Any

import ml_dtypes
import numpy as np

from dovetail_protocols.dtypes import DType

_EXTENDED = frozenset({"bfloat16", "float8_e4m3fn", "float8_e5m2"})


@cache
def numpy_dtype(dtype: DType) -> np.dtype[Any]:
    """The NumPy dtype; bfloat16 and the float8 types come from ml_dtypes."""
    return np.dtype(getattr(ml_dtypes, dtype.name) if dtype.name in _EXTENDED else dtype.name)


def is_narrow(dtype: Any) -> bool:
    """Whether a JAX array's dtype is a floating one of less than 4 bytes."""
    kind = np.dtype(dtype)
    return kind.itemsize < 4 and (kind.kind == "f" or kind.name in _EXTENDED)
