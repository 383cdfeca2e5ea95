"""The long way of a call's inputs: what is wrong with them is said, what only lies wrong is copied."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np

from dovetail_protocols.errors import DTypeError, ShapeError, SignatureError

from .object_layout import dtype_word
from .schedule import Signature

Array = np.ndarray[Any, Any]


@cache
def numpy_dtype(dtype: str) -> np.dtype[Any]:
    """The NumPy dtype of a name. bfloat16 is there once ml_dtypes is loaded, as it is for whoever has such an array.

    Raises: DTypeError for bfloat16 before that.
    """
    try:
        return np.dtype(dtype)
    except TypeError as error:
        raise DTypeError(f"NumPy knows no {dtype}", cause=str(error), fix="import ml_dtypes") from error


def checked_inputs(inputs: Sequence[Any], signature: Signature, donated: frozenset[int]) -> list[Array]:
    """The inputs as C-contiguous, aligned arrays in this machine's byte order; those that are such already are not
    copied, unless they are donated and can't be written.

    Raises: SignatureError, DTypeError, ShapeError.
    """
    if len(inputs) != len(signature):
        raise SignatureError(
            "a compiled function was called with another number of arrays", expected=len(signature), got=len(inputs)
        )
    return [
        _checked(place, given, *expected, writeable=place in donated)
        for place, (given, expected) in enumerate(zip(inputs, signature, strict=True))
    ]


def _checked(place: int, given: Any, dtype: str, shape: tuple[int, ...], *, writeable: bool) -> Array:
    array: Array = np.asarray(given)
    if array.dtype.newbyteorder("=") != numpy_dtype(dtype):
        raise DTypeError(f"input {place} of a compiled function has another dtype", expected=dtype, got=array.dtype)
    if array.shape != shape:
        raise ShapeError(f"input {place} of a compiled function has another shape", expected=shape, got=array.shape)
    flags, kind = array.flags, numpy_dtype(dtype)
    if array.dtype == kind and flags.c_contiguous and flags.aligned and (flags.writeable or not writeable):
        # NumPy has several integers of 64 bits, by different numbers, and writes its own byte order as "=" or "<":
        # native code expects one of them.
        return array if dtype_word(array.dtype) == dtype_word(kind) else array.view(kind)
    copy: Array = np.empty(shape, kind)
    copy[...] = array
    return copy
