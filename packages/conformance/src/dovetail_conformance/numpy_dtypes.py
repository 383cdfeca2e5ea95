"""Dovetail's dtypes as NumPy's, and back."""

from __future__ import annotations

from functools import cache
from typing import Any

import ml_dtypes
import numpy as np

from dovetail_protocols.dtypes import DType, dtype

_EXTENDED = frozenset({"bfloat16", "float8_e4m3fn", "float8_e5m2"})


@cache
def numpy_dtype(name: str) -> np.dtype[Any]:
    """The NumPy dtype of a Dovetail dtype's name; bfloat16 and the float8 types are those of ml_dtypes."""
    return np.dtype(getattr(ml_dtypes, name)) if name in _EXTENDED else np.dtype(name)


@cache
def dovetail_dtype(numpys: np.dtype[Any]) -> DType:
    """The Dovetail dtype of a buffer's. Raises: DTypeError where there is none."""
    return dtype(numpys.name)
