"""How the values of two arrays of one shape and dtype differ, gathered part by part."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .sources import Array

_STEP = 1 << 19
"""Elements that are compared at once: as float64 they take a fraction of a chunk."""


@dataclass(frozen=True, slots=True)
class ValueDifference:
    """How the values of a tensor differ between two checkpoints.

    `changed` elements differ in their bits; the rest are the same, NaN with the same bits too. `max_absolute` is the
    largest |x − y|, `max_relative` the largest |x − y| / max(|x|, |y|), `mean_absolute` the mean of |x − y| over all
    elements; elements one side of which is NaN or infinite take no part in the three, and are counted as
    `became_nonfinite` where only one side is. `nans`: how many each side has.
    """

    elements: int
    changed: int
    max_absolute: float
    max_relative: float
    mean_absolute: float
    became_nonfinite: int
    nans: tuple[int, int]


class Gathered:
    """The difference of the elements so far."""

    def __init__(self) -> None:
        self._elements = self._changed = self._compared = self._became_nonfinite = 0
        self._largest = self._largest_relative = self._sum = 0.0
        self._nans = [0, 0]

    def add(self, first: Array, second: Array) -> None:
        """Takes more elements of both sides."""
        one, other = np.ascontiguousarray(first).reshape(-1), np.ascontiguousarray(second).reshape(-1)
        for start in range(0, one.size, _STEP):
            self._add(one[start : start + _STEP], other[start : start + _STEP])

    def _add(self, one: Array, other: Array) -> None:
        self._elements += one.size
        for side, values in enumerate((one, other)):
            self._nans[side] += int(np.count_nonzero(values != values))
        differs = (_bits(one) != _bits(other)).any(axis=-1)
        count = int(np.count_nonzero(differs))
        self._compared += one.size - count
        if not count:
            return
        self._changed += count
        with np.errstate(all="ignore"):  # what overflows is infinite, and that is what is told
            self._measure(one[differs], other[differs])

    def _measure(self, one: Array, other: Array) -> None:
        """Takes elements that differ."""
        distance, scale, is_finite = _distances(one, other)
        if not is_finite.all():
            both = _finite(one) | _finite(other)
            self._became_nonfinite += int(np.count_nonzero(both & ~is_finite))
            distance, scale = distance[is_finite], scale[is_finite]
        self._compared += distance.size
        if distance.size:
            relative = np.divide(distance, scale, out=np.zeros_like(distance), where=scale > 0)
            self._largest = max(self._largest, float(distance.max()))
            self._largest_relative = max(self._largest_relative, float(relative.max()))
            self._sum += float(distance.sum())

    def result(self) -> ValueDifference:
        """The difference."""
        mean = self._sum / self._compared if self._compared else 0.0
        return ValueDifference(
            self._elements,
            self._changed,
            self._largest,
            self._largest_relative,
            mean,
            self._became_nonfinite,
            (self._nans[0], self._nans[1]),
        )


def same_bits(first: Array, second: Array) -> bool:
    """Whether two arrays of one shape and dtype are the same to the bit."""
    one, other = (np.ascontiguousarray(array).reshape(-1).view(np.uint8) for array in (first, second))
    return np.array_equal(one, other)


def _bits(values: Array) -> Array:
    """The bytes of each element, as the widest integers that they make up: (elements, integers of each)."""
    width = min(values.itemsize, 8)
    return values.view(f"u{width}").reshape(values.size, values.itemsize // width)


def _finite(values: Array) -> Array:
    found: Array = np.isfinite(values.astype(np.complex128 if values.dtype.kind == "c" else np.float64))
    return found


def _distances(one: Array, other: Array) -> tuple[Array, Array, Array]:
    """|x − y| and max(|x|, |y|) as float64, and where both are finite."""
    if one.dtype.kind in "iu":
        high, low = np.maximum(one, other), np.minimum(one, other)
        distance = high.astype(np.uint64) - low.astype(np.uint64)  # it wraps round to the right number
        scale = np.maximum(np.abs(high.astype(np.float64)), np.abs(low.astype(np.float64)))
        return distance.astype(np.float64), scale, np.ones(one.shape, bool)
    wide = np.complex128 if one.dtype.kind == "c" else np.float64
    x, y = one.astype(wide), other.astype(wide)
    return np.abs(x - y), np.maximum(np.abs(x), np.abs(y)), np.isfinite(x) & np.isfinite(y)
