"""The sums of one tile, in registers: three ways to multiply a window's elements with filters."""

from __future__ import annotations

from collections.abc import Sequence

from ...codegen.builder import Builder, Value, Variable
from ...codegen.types import SIZES, vector
from .indices import Index, each, minus, value

SPLAT = "splat"
"""Lanes are columns; an element of the input is spread over them. For dense convolutions."""

PAIRED = "paired"
"""Lanes are columns, and channels as well: each has its own. For depthwise convolutions."""

DOTS = "dots"
"""Lanes are channels, and are added up at the end. For dense convolutions to very few columns."""

UNROLLED = 96
"""About how many products the innermost loop holds."""

Level = tuple[Index, int]
"""A loop of the sum: how often, and how far apart the elements of the input are."""


def merged(levels: Sequence[Level]) -> list[Level]:
    """Loops, outer first, without those that run once, and with those joined that go on where the inner one ends."""
    found: list[Level] = []
    for count, step in levels:
        if isinstance(count, int) and count == 1:
            continue
        if found and isinstance(count, int):
            outer, outer_step = found[-1]
            if outer_step == count * step and isinstance(outer, int):
                found[-1] = (outer * count, step)
                continue
        found.append((count, step))
    return found or [(1, 0)]


class TileSums:
    """Writes the sums of tiles of `places` (of pixels, in elements of the input) × `vectors`."""

    def __init__(self, b: Builder, kind: str, element: str, places: Sequence[int], vectors: int) -> None:
        self._b, self._kind, self._element = b, kind, element
        self._places, self._vectors = places, vectors
        self._lanes = b.isa.lanes(SIZES[element])
        self._type = vector(element, self._lanes)
        self._sums: list[Variable] = []

    def compute(
        self, x: Value, filters: Value, levels: Sequence[Level], step: int, initial: Sequence[Value] | None = None
    ) -> list[Value]:
        """The sums, pixel by pixel, each as vectors. `levels`: merged; `step`: from one step's filters to the next."""
        b = self._b
        zero = b.constant(self._type, 0)
        count = len(self._places) * self._vectors
        self._sums = [b.variable(one) for one in initial or [zero] * count]
        self._filters, self._step = b.variable(filters), step
        self._loop(x, list(levels))
        sums = [one.get() for one in self._sums]
        return (
            [self._brought_together(sums, pixel) for pixel in range(len(self._places))] if self._kind == DOTS else sums
        )

    def _loop(self, x: Value, levels: list[Level]) -> None:
        b = self._b
        (count, step), *inner = levels
        if inner:
            with each(b, 0, count) as index:
                self._loop(b.offset(x, _scaled(b, index, step), self._element), inner)
            return
        most = max(UNROLLED // len(self._sums), 1)
        if isinstance(count, int) and count <= max(most * 3 // 2, 1):
            self._steps(x, count, step)
            return
        together = most
        if isinstance(count, int):
            together = next((n for n in range(most, most // 2, -1) if count % n == 0), most)
        together = min(together, 8)
        whole = (
            count // together * together
            if isinstance(count, int)
            else minus(b, count, b.operate("urem", count, b.index(together)))
        )
        with b.loop(0, value(b, whole), together) as index:
            self._steps(b.offset(x, _scaled(b, index, step), self._element), together, step)
        if isinstance(count, int):
            self._steps(
                b.offset(x, whole * step if isinstance(whole, int) else 0, self._element), count % together, step
            )
        elif together > 1:
            with b.loop(value(b, whole), count) as index:
                self._steps(b.offset(x, _scaled(b, index, step), self._element), 1, step)

    def _steps(self, x: Value, count: int, step: int) -> None:
        """Some steps without a loop."""
        b = self._b
        filters = self._filters.get()
        for number in range(count):
            self._products(
                b.offset(x, number * step, self._element), b.offset(filters, number * self._step, self._element)
            )
        if count:
            self._filters.set(b.offset(filters, count * self._step, self._element))

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


def _scaled(b: Builder, index: Index, step: int) -> Index:
    if isinstance(index, int):
        return index * step
    return index if step == 1 else b.mul(index, b.index(step))
