"""Dovetail's dtypes and NumPy's, both ways."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from dovetail_protocols import dtypes as dt

_EXTENDED = frozenset({"bfloat16", "float8_e4m3fn", "float8_e5m2"})


@cache
def numpy_dtype(dtype: dt.DType) -> np.dtype[Any]:
    """The NumPy dtype; bfloat16 and the float8 types come from ml_dtypes, loaded when one is first used."""
    if dtype.name in _EXTENDED:
        import ml_dtypes

        return np.dtype(getattr(ml_dtypes, dtype.name))
    return np.dtype(dtype.name)


@cache
def dovetail_dtype(dtype: np.dtype[Any]) -> dt.DType:
    """The Dovetail dtype of a NumPy dtype.

    Raises: DTypeError for one that Dovetail lacks (object, str, datetime64, …).
    """
    return dt.dtype(dtype.name)
