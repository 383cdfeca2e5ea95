"""A side of a product, or a number of tiles, cut into parts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from dovetail_protocols.records import record

from ...codegen.builder import Builder
from .numbers import Number, greater, plus, smaller, times


class Cut(Protocol):
    """Things in parts, one after the other; `largest` is what the largest part has."""

    @property
    def count(self) -> int:
        """How many parts."""
        ...

    @property
    def largest(self) -> int:
        """How many things the largest part has."""
        ...

    def start(self, b: Builder, part: Number) -> Number:
        """The first thing of a part; of part `count`, the total."""
        ...

    def kinds(self) -> list[tuple[int, int, int]]:
        """Runs of parts of one size: the first part, the first that is no more of it, and the size."""
        ...


@record
class Parts:
    """`total` things in `count` parts that are as equal as can be: the first ones may have one more than the others."""

    total: int
    count: int

    @property
    def smallest(self) -> int:
        return self.total // self.count

    @property
    def larger(self) -> int:
        """How many parts have one more than the others."""
        return self.total % self.count

    @property
    def largest(self) -> int:
        return -(-self.total // self.count)

    def start(self, b: Builder, part: Number) -> Number:
        start = times(b, part, self.smallest)
        return plus(b, start, smaller(b, part, self.larger)) if self.larger else start

    def bounds(self, b: Builder, part: Number) -> tuple[Number, Number]:
        """The first thing of a part, and the first that is no more of it."""
        if self.count == 1:
            return 0, self.total
        return self.start(b, part), self.start(b, plus(b, part, 1))

    def kinds(self) -> list[tuple[int, int, int]]:
        runs = [(0, self.larger, self.largest), (self.larger, self.count, self.smallest)]
        return [(first, last, size) for first, last, size in runs if first < last and size]


@record
class Strips:
    """`total` things in parts of `largest`, of which the last may have fewer."""

    total: int
    largest: int

    @property
    def count(self) -> int:
        return -(-self.total // self.largest)

    def start(self, b: Builder, part: Number) -> Number:
        return times(b, part, self.largest)

    def kinds(self) -> list[tuple[int, int, int]]:
        whole, rest = divmod(self.total, self.largest)
        runs = [(0, whole, self.largest), (whole, whole + 1, rest)]
        return [(first, last, size) for first, last, size in runs if first < last and size]


def parts_of(total: int, at_most: int) -> Parts:
    """The fewest parts that have at most so many things each."""
    return Parts(total, max(1, -(-total // at_most)))


def runs(b: Builder, cut: Cut, first: Number, last: Number) -> Iterator[tuple[int, Number, Number]]:
    """The parts from `first` up to `last`, by size: the size, and the first and last (exclusive) of that size."""
    for start, stop, size in cut.kinds():
        start_, stop_ = greater(b, first, start), smaller(b, last, stop)
        if not (isinstance(start_, int) and isinstance(stop_, int) and start_ >= stop_):
            yield size, start_, stop_
