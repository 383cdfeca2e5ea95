"""The sums of one tile, in registers: three ways to multiply a window's elements with filters."""

from __future__ import annotations

from collections.abc import Sequence

from ...codegen.builder import Builder, Value, Variable
from ...codegen.types import SIZES, vector
from .indices import Index, each, minus, times, value

SPLAT = "splat"
"""Lanes are columns; an element of the input is spread over them. For dense convolutions."""

PAIRED = "paired"
"""Lanes are columns, and channels as well: each has its own. For depthwise convolutions."""

DOTS = "dots"
"""Lanes are channels, and are added up at the end. For dense convolutions to very few columns."""

UNROLLED = 96
"""About how many products the innermost loop holds."""

Level = tuple[Index, Index, Index]
"""A loop of the sum: how often, and how far apart the elements of the input and of the filters are."""


def merged(levels: Sequence[Level]) -> list[Level]:
    """Loops, outer first, without those that run once, and with those joined that go on where the inner one ends."""
    found: list[Level] = []
    for count, *steps in levels:
        if isinstance(count, int) and count == 1:
            continue
        outer, *outer_steps = found[-1] if found else (None, None, None)
        if isinstance(outer, int) and isinstance(count, int) and outer_steps == [_whole(count, one) for one in steps]:
            found[-1] = (outer * count, steps[0], steps[1])
        else:
            found.append((count, steps[0], steps[1]))
    return found or [(1, 0, 0)]


def _whole(count: int, step: Index) -> int | None:
    return count * step if isinstance(step, int) else None


class TileSums:
    """Writes the sums of tiles of `places` (of pixels, in elements of the input) × `vectors`."""

    def __init__(self, b: Builder, kind: str, element: str, places: Sequence[int], vectors: int) -> None:
        self._b, self._kind, self._element = b, kind, element
        self._places, self._vectors = places, vectors
        self._lanes = b.isa.lanes(SIZES[element])
        self._type = vector(element, self._lanes)
        self._sums: list[Variable] = []

    def compute(
        self, x: Value, filters: Value, levels: Sequence[Level], initial: Sequence[Value] | None = None
    ) -> list[Value]:
        """The sums, pixel by pixel, each as vectors. `levels`: merged."""
        b = self._b
        zero = b.constant(self._type, 0)
        count = len(self._places) * self._vectors
        self._sums = [b.variable(one) for one in initial or [zero] * count]
        self._loop(x, filters, list(levels))
        sums = [one.get() for one in self._sums]
        if self._kind != DOTS:
            return sums
        return [self._brought_together(sums, pixel) for pixel in range(len(self._places))]

    def _loop(self, x: Value, filters: Value, levels: list[Level]) -> None:
        b = self._b
        level, *inner = levels
        count = level[0]
        if inner:
            with each(b, 0, count) as index:
                self._loop(*self._at(x, filters, level, index), inner)
            return
        most = max(UNROLLED // len(self._sums), 1)
        if isinstance(count, int) and count <= max(most * 3 // 2, 1):
            self._steps(x, filters, level, count)
            return
        together = most = min(most, 8)
        rest: Index
        if isinstance(count, int):
            together = next((n for n in range(most, most // 2, -1) if count % n == 0), most)
            rest = count % together
        else:
            together = min(most, 4)  # few are left over then, which go one by one
            rest = b.operate("urem", count, b.index(together)) if together > 1 else 0
        whole = minus(b, count, rest)
        with b.loop(0, value(b, whole), together) as index:
            self._steps(*self._at(x, filters, level, index), level, together)
        if isinstance(rest, int):
            self._steps(*self._at(x, filters, level, whole), level, rest)
        else:
            with b.loop(value(b, whole), value(b, count)) as index:
                self._steps(*self._at(x, filters, level, index), level, 1)

    def _at(self, x: Value, filters: Value, level: Level, index: Index) -> tuple[Value, Value]:
        """Where the input and the filters of a step are."""
        b = self._b
        _, step, filter_step = level
        return (
            b.offset(x, times(b, index, step), self._element),
            b.offset(filters, times(b, index, filter_step), self._element),
        )

    def _steps(self, x: Value, filters: Value, level: Level, count: int) -> None:
        """Some steps without a loop."""
        for number in range(count):
            self._products(*self._at(x, filters, level, number))

    def _products(self, x: Value, filters: Value) -> None:
        b = self._b
        weights = [
            b.load(self._type, b.offset(filters, number * self._lanes, self._element))
            for number in range(self._vectors)
        ]
        for pixel, place in enumerate(self._places):
            there = b.offset(x, place, self._element)
            if self._kind == SPLAT:
                one = b.splat(b.load(self._element, there), self._lanes)
            elif self._kind == DOTS:
                one = b.load(self._type, there)
            for number, weight in enumerate(weights):
                if self._kind == PAIRED:
                    one = b.load(self._type, b.offset(there, number * self._lanes, self._element))
                total = self._sums[pixel * self._vectors + number]
                total.set(b.fma(one, weight, total.get()))

    def _brought_together(self, sums: Sequence[Value], pixel: int) -> Value:
        """The sums of a pixel's vectors, as the first lanes of one vector."""
        b = self._b
        found = b.constant(self._type, 0)
        for column in range(self._vectors):
            found = b.insert(found, b.reduce("add", sums[pixel * self._vectors + column]), column)
        return found
