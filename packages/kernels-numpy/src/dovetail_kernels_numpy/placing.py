"""Index vectors as row numbers, and how updates meet what is in the rows: the ground of gathering and scattering."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from dovetail_protocols.errors import IndexRangeError

_LOW_PRECISION = frozenset({"float16", "bfloat16", "float8_e4m3fn", "float8_e5m2"})


def signed(indices: Any) -> Any:
    """Indices in a dtype that NumPy takes as such; uint64 values beyond int64 stay out of range."""
    if indices.dtype == np.uint64:
        return np.minimum(indices, np.uint64(np.iinfo(np.int64).max)).astype(np.int64)
    return indices


def in_range(operation: str, indices: Any, size: int, axis: int) -> Any:
    """Indices with negative ones counted from the end, as int64.

    Raises: IndexRangeError.
    """
    wrapped = signed(indices).astype(np.int64)
    if wrapped.size:
        if wrapped.min() < 0:
            wrapped = np.where(wrapped < 0, wrapped + size, wrapped)
        if wrapped.min() < 0 or wrapped.max() >= size:
            raise out_of_range(operation, indices, size, axis)
    return wrapped


def out_of_range(operation: str, indices: Any, size: int, axis: int) -> IndexRangeError:
    """The error that names the first index outside of the axis."""
    wide = signed(indices)
    place = np.argwhere((wide < -size) | (wide >= size))[0]
    value = indices[tuple(place)]
    return IndexRangeError(
        f"{operation}: index {value} is out of range for axis {axis} of size {size}",
        where=f"{operation}, indices[{', '.join(map(str, place))}]",
        expected=f"from {-size} to {size - 1}" if size else "no index: the axis is empty",
        got=f"{value}",
    )


def row_numbers(operation: str, indices: Any, shape: tuple[int, ...], first_axis: int = 0) -> Any:
    """For index vectors (…, depth) into the first `depth` axes of `shape`: the number of the row each points to, flat.

    Raises: IndexRangeError.
    """
    rows = np.zeros(prod(indices.shape[:-1]), np.int64)
    for position in range(indices.shape[-1]):
        size = shape[position]
        entries = in_range(operation, indices[..., position], size, first_axis + position)
        rows = rows * size + entries.reshape(-1)
    return rows


def combine(ufunc: Any, target: Any, rows: Any, updates: Any) -> None:
    """target[rows[n]] = ufunc(target[rows[n]], updates[n]) for each n in order, in place, repeated rows included.

    target: (rows, width), updates: (n, width). Rows are sorted and reduced in runs: the order of additions is fixed, and
    it is many times faster than `ufunc.at` on rows.
    """
    if rows.size == 0 or updates.size == 0:
        return
    order = rows.argsort(kind="stable")
    ordered = rows[order]
    starts = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))
    touched = ordered[starts]
    grouped = updates[order]
    with np.errstate(all="ignore"):
        if ufunc is np.add and target.dtype.name in _LOW_PRECISION:
            sums = np.add.reduceat(grouped.astype(np.float32), starts, axis=0)
            target[touched] = (target[touched].astype(np.float32) + sums).astype(target.dtype)
        else:
            target[touched] = ufunc(target[touched], ufunc.reduceat(grouped, starts, axis=0))
