"""Dovetail's dtypes as NumPy's."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from dovetail_protocols.dtypes import DType

_EXTENDED = frozenset({"bfloat16", "float8_e4m3fn", "float8_e5m2"})


@cache
def numpy_dtype(dtype: DType) -> np.dtype[Any]:
    """The NumPy dtype; bfloat16 and the float8 types come from ml_dtypes, loaded when one is first used."""
    if dtype.name in _EXTENDED:
        import ml_dtypes

        extended: np.dtype[Any] = np.dtype(getattr(ml_dtypes, dtype.name))
        return extended
    return np.dtype(dtype.name)
