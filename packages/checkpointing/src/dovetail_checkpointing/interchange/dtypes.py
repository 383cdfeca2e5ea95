"""Dovetail's dtypes as NumPy has them."""

from __future__ import annotations

from typing import Any

import numpy as np

from dovetail_protocols.dtypes import ALL
from dovetail_protocols.errors import DTypeError

_EXTENDED = frozenset({"bfloat16", "float8_e4m3fn", "float8_e5m2"})
_NAMES = frozenset(known.name for known in ALL)


def numpy_dtype(name: str) -> np.dtype[Any]:
    """The NumPy dtype of a Dovetail dtype's name."""
    if name in _EXTENDED:
        import ml_dtypes

        extended: np.dtype[Any] = np.dtype(getattr(ml_dtypes, name))
        return extended
    return np.dtype(name)


def known(name: str | None, where: str, written: object) -> str:
    """The name of a dtype that Dovetail has; `written` is how the file calls it.

    Raises: DTypeError.
    """
    if name not in _NAMES:
        raise DTypeError("a file holds a dtype that Dovetail doesn't have", where=where, got=written)
    return name
