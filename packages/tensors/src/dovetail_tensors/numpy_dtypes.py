"""Dovetail's dtypes and NumPy's, both ways."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from dovetail_protocols import dtypes as dt
from dovetail_protocols.errors import DTypeError

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


_PYTHON_TYPES = {bool: dt.bool_, int: dt.DEFAULT_INTEGER, float: dt.DEFAULT_FLOATING, complex: dt.DEFAULT_COMPLEX}


def find_dtype(name: Any) -> dt.DType:
    """The dtype that a DType, a name, a Python number type or a NumPy dtype stands for.

    Raises: DTypeError for anything else.
    """
    if type(name) is dt.DType or isinstance(name, str):
        return dt.dtype(name)
    if isinstance(name, type) and name in _PYTHON_TYPES:
        return _PYTHON_TYPES[name]
    try:
        return dovetail_dtype(np.dtype(name))
    except TypeError as error:
        raise DTypeError(f"{name!r} is no dtype", expected="a dtype or its name, such as 'float32'") from error
