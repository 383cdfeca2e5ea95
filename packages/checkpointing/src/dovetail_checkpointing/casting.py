"""Casts of restored values to the dtype of their target, on request only."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from dovetail_protocols.errors import CheckpointMismatchError

from .tensor_bytes import numpy_dtype

Cast = Literal["never", "allow"]
_KINDS = {"b": "bool", "i": "int", "u": "uint", "f": "float", "c": "complex"}
_LEADS_TO = {
    "bool": ("bool",),
    "int": ("int", "uint", "float", "complex"),
    "uint": ("int", "uint", "float", "complex"),
    "float": ("float", "complex"),
    "complex": ("complex",),
}


def may_cast(source: str, target: str) -> bool:
    """Whether a dtype may be cast to another: from integers to floats to complex numbers, never back."""
    return _kind(target) in _LEADS_TO[_kind(source)]


def cast_to(array: np.ndarray[Any, Any], dtype: str, name: str) -> np.ndarray[Any, Any]:
    """The array in a dtype; floats are rounded.

    Raises: CheckpointMismatchError for an integer that the dtype can't hold.
    """
    if array.dtype == numpy_dtype(dtype):
        return array
    if _kind(dtype) in ("int", "uint") and array.size:
        limits = np.iinfo(numpy_dtype(dtype))
        least, most = int(array.min()), int(array.max())
        if least < limits.min or most > limits.max:
            raise CheckpointMismatchError(
                "integers of a checkpoint don't fit the dtype of their target",
                where=name,
                expected=f"{dtype}: {limits.min} to {limits.max}",
                got=f"{least} to {most}",
                effect="nothing was changed",
            )
    return array.astype(numpy_dtype(dtype))


def _kind(dtype: str) -> str:
    return "float" if dtype.startswith(("bfloat", "float")) else _KINDS[np.dtype(dtype).kind]
