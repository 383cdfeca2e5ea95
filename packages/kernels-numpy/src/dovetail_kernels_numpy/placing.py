"""Index vectors as row numbers, and how updates meet what is in the rows: the ground of gathering and scattering."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from dovetail_protocols.errors import IndexRangeError


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
    depth = indices.shape[-1]
    if depth and indices.size:
        vectors = signed(indices).reshape(-1, depth)
        try:
            return np.ravel_multi_index(tuple(vectors.T), shape[:depth])
        except ValueError:  # a negative index, or one out of range
            pass
    rows = np.zeros(prod(indices.shape[:-1]), np.int64)
    for position, size in enumerate(shape[:depth]):
        entries = in_range(operation, indices[..., position], size, first_axis + position)
        rows = rows * size + entries.reshape(-1)
    return rows


def combine(ufunc: Any, target: Any, rows: Any, updates: Any) -> None:
    """target[rows[n]] = ufunc(target[rows[n]], updates[n]) for each n in order, in place, repeated rows included.

    target: (rows, width), C-contiguous; updates: (n, width). Runs over single elements: `ufunc.at` has a quick loop for
    one flat index only (measured on 2048 rows of 64 float32: 0.27 ms, against 1.4 ms on rows and 1.0 ms sorted).
    """
    width = target.shape[1]
    places = rows if width == 1 else (rows[:, None] * width + np.arange(width)).reshape(-1)
    flat, given = target.reshape(-1), updates.reshape(-1)
    with np.errstate(all="ignore"):
        if ufunc is np.add and target.itemsize < 4 and target.dtype.kind in "fV":  # ml_dtypes' are of kind V
            # Sums of many small terms would stop growing at 256 in bfloat16.
            sums = flat.astype(np.float32)
            ufunc.at(sums, places, given.astype(np.float32))
            flat[:] = sums.astype(target.dtype)
        else:
            ufunc.at(flat, places, given)
