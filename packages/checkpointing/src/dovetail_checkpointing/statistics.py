"""What the values of a tensor are like: extremes, mean, deviation, how many are no numbers, and a histogram."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import frexp, hypot, inf, isfinite, ldexp, nan, sqrt
from typing import Any

import numpy as np

from .object_tree import Path
from .sources import Array, TensorSource, is_small, parts

_STEP = 1 << 19
"""Elements that are looked at at once: as float64 they take a fraction of a chunk."""
_HARMLESS_EXPONENT = 400
"""Squares of numbers below 2 to this power, and of their reciprocals, are numbers."""


@dataclass(frozen=True, slots=True)
class Statistics:
    """Of all elements of a tensor; for complex numbers, of their absolute values.

    Extremes, mean and deviation (that of the population) are of the finite elements, NaN where there are none.
    `negative_infinities` are among `infinities`.
    """

    elements: int
    nans: int
    infinities: int
    negative_infinities: int
    zeros: int
    minimum: float
    maximum: float
    mean: float
    deviation: float

    @property
    def finite(self) -> int:
        """How many elements are finite."""
        return self.elements - self.nans - self.infinities


@dataclass(frozen=True, slots=True)
class Histogram:
    """How many finite elements lie in each of equally wide bins from `low` to `high`, both ends included."""

    low: float
    high: float
    counts: tuple[int, ...]


def statistics(source: TensorSource, path: Path) -> Statistics:
    """Statistics of a tensor, which is read in parts.

    Raises: CheckpointCorruptError.
    """
    gathered = _Gathered()
    for values in _values(source, path):
        gathered.add(values)
    return gathered.result()


def histogram(source: TensorSource, path: Path, low: float, high: float, bins: int) -> Histogram:
    """How the finite values of a tensor are distributed from `low` to `high`, which is read in parts.

    Values outside are left out. Where `low` is `high`, all are in the middle one.

    Raises: CheckpointCorruptError.
    """
    counts = np.zeros(bins, np.int64)
    for values in _values(source, path):
        chosen = values[np.isfinite(values) & (values >= low) & (values <= high)]
        if low == high:
            counts[bins // 2] += chosen.size
            continue
        shares = (chosen / 2 - low / 2) / (high / 2 - low / 2)  # halves, since the whole range may not be a float64
        places = np.minimum((shares * bins).astype(np.int64), bins - 1)
        counts += np.bincount(places, minlength=bins)
    return Histogram(low, high, tuple(counts.tolist()))


class _Gathered:
    """Statistics of the elements so far."""

    def __init__(self) -> None:
        self.elements = self.nans = self.infinities = self.negative_infinities = self.zeros = self.finite = 0
        self.minimum, self.maximum, self.mean, self.deviation = inf, -inf, 0.0, 0.0

    def add(self, values: Array) -> None:
        """Takes more elements, as float64."""
        is_finite = np.isfinite(values)
        finite = values if is_finite.all() else values[is_finite]
        if finite.size < values.size:
            self.nans += int(np.isnan(values).sum())
            self.infinities += int(np.isinf(values).sum())
            self.negative_infinities += int(np.isneginf(values).sum())
        self.elements += values.size
        self.zeros += finite.size - int(np.count_nonzero(finite))
        if finite.size:
            self.minimum, self.maximum = min(self.minimum, float(finite.min())), max(self.maximum, float(finite.max()))
            self._combine(finite.size, *_moments(finite))

    def _combine(self, count: int, mean: float, deviation: float) -> None:
        """Joins the moments of two sets; by `hypot`, so that no square overflows. Source: Chan, Golub and LeVeque,
        "Updating formulae and a pairwise algorithm for computing sample variances" (1979), equation 2.1."""
        before, self.finite = self.finite, self.finite + count
        old, new = before / self.finite, count / self.finite
        self.deviation = hypot(
            self.deviation * sqrt(old), deviation * sqrt(new), (mean - self.mean) * sqrt(old * new) if before else 0.0
        )
        self.mean = self.mean * old + mean * new

    def result(self) -> Statistics:
        """The statistics."""
        numbers = (self.minimum, self.maximum, self.mean, self.deviation) if self.finite else (nan,) * 4
        return Statistics(
            self.elements, self.nans, self.infinities, self.negative_infinities, self.zeros, *map(float, numbers)
        )


def _moments(finite: Array) -> tuple[float, float]:
    """Mean and deviation; numbers so large or small that their squares are none are scaled first."""
    largest = float(np.abs(finite).max())
    exponent = frexp(largest)[1] if largest else 0
    if abs(exponent) <= _HARMLESS_EXPONENT:
        return float(finite.mean()), float(finite.std())
    scaled = np.ldexp(finite, -exponent)
    return ldexp(float(scaled.mean()), exponent), ldexp(float(scaled.std()), exponent)


def _values(source: TensorSource, path: Path) -> Iterator[Array]:
    """All elements as float64, some at a time."""
    info = source.tensors[path]
    pieces: Iterator[Any]
    if is_small(info):
        pieces = iter([source.read_several([path])[path]])
    else:
        pieces = (source.read_part(path, part) for part in parts(info))
    for piece in pieces:
        flat = piece.reshape(-1)
        for start in range(0, flat.size, _STEP):
            some = flat[start : start + _STEP]
            yield np.abs(some).astype(np.float64) if some.dtype.kind == "c" else some.astype(np.float64)


def union_range(*found: Statistics) -> tuple[float, float] | None:
    """From the least to the greatest finite value of several tensors, or None where none is finite."""
    lows = [one.minimum for one in found if isfinite(one.minimum)]
    highs = [one.maximum for one in found if isfinite(one.maximum)]
    return (min(lows), max(highs)) if lows else None
