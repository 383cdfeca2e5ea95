"""Where the fields of NumPy arrays lie in memory, checked on known arrays before native code relies on it."""

from __future__ import annotations

import ctypes
import sys
from functools import cache
from typing import Any

import numpy as np

from dovetail_protocols.records import record

C_CONTIGUOUS, ALIGNED, WRITEABLE = 0x1, 0x100, 0x400
"""NPY_ARRAY_… flags. Source: NumPy reference, "Array API: Array flags"."""


@record
class ArrayFields:
    """Distances in bytes from the start of an array to its fields; `dtype`: from the start of its descriptor."""

    type: int
    data: int
    rank: int
    shape: int
    descriptor: int
    flags: int
    dtype: int


@cache
def array_fields() -> ArrayFields | None:
    """The fields' places; None where this Python or NumPy has others than documented.

    Source: CPython's PyObject_HEAD (the type is its last field), NumPy's PyArrayObject_fields and PyArray_Descr.
    """
    if sys.implementation.name != "cpython" or ctypes.sizeof(ctypes.c_void_p) != 8 or sys.byteorder != "little":
        return None
    header = object.__basicsize__
    fields = ArrayFields(header - 8, header, header + 8, header + 16, header + 40, header + 48, header + 8)
    known: list[np.ndarray[Any, Any]] = [
        np.zeros((2, 3, 5), np.float32),
        np.zeros((), np.int8),
        np.zeros((4, 6), ">f8")[::2, 1:],
    ]
    known[0].flags.writeable = False
    return fields if np.ndarray.__basicsize__ >= header + 56 and all(_agrees(fields, one) for one in known) else None


DTYPE_MASK = 0x_FFFF_FFFF_00FF_0000
"""Of the word at `dtype`, which also holds letters that don't matter: the byte order, and the number of the type."""


def dtype_word(dtype: np.dtype[Any]) -> int:
    """What is there, under DTYPE_MASK, for a dtype."""
    return ord(dtype.byteorder) << 16 | dtype.num << 32


def _agrees(fields: ArrayFields, array: np.ndarray[Any, Any]) -> bool:
    def read(kind: type, offset: int) -> int:
        return kind.from_address(id(array) + offset).value or 0  # type: ignore[attr-defined] # of ctypes

    shape = read(ctypes.c_void_p, fields.shape)
    flags = read(ctypes.c_int, fields.flags)
    return (
        read(ctypes.c_void_p, fields.type) == id(np.ndarray)
        and read(ctypes.c_void_p, fields.data) == array.ctypes.data
        and read(ctypes.c_int, fields.rank) == array.ndim
        and (not array.ndim or tuple((ctypes.c_int64 * array.ndim).from_address(shape)) == array.shape)
        and read(ctypes.c_void_p, fields.descriptor) == id(array.dtype)
        and read(ctypes.c_int64, fields.dtype - id(array) + id(array.dtype)) & DTYPE_MASK == dtype_word(array.dtype)
        and bool(flags & C_CONTIGUOUS) == array.flags.c_contiguous
        and bool(flags & ALIGNED) == array.flags.aligned
        and bool(flags & WRITEABLE) == array.flags.writeable
    )
