"""Windows, the elements in them, and the windows over an element."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product
from math import prod

from dovetail_protocols.operations.windows import WindowGrid
from dovetail_protocols.records import record

from ...codegen.builder import Builder, Value
from ..convolution.indices import Index, each, greatest, least, minus, plus, quotient, times, weighted
from ..kernel import c_strides

UNROLLED = 16
"""Up to so many taps of a window that doesn't reach over a border are written out."""


@record
class Taps:
    """The elements of a window that lie in the image: by axis the first, how many, and the coordinate of tap 0."""

    low: tuple[Index, ...]
    count: tuple[Index, ...]
    start: tuple[Index, ...]

    @property
    def known(self) -> tuple[range, ...] | None:
        """The taps by axis, where they are the same few in each window."""
        found = tuple(
            range(low, low + count)
            for low, count in zip(self.low, self.count, strict=True)
            if isinstance(low, int) and isinstance(count, int)
        )
        return found if len(found) == len(self.count) and prod(map(len, found)) <= UNROLLED else None


def taps_of(b: Builder, grid: WindowGrid, sizes: Sequence[int], place: Sequence[Index]) -> Taps:
    """The taps of the window at a place of the grid."""
    low: list[Index] = []
    count: list[Index] = []
    start: list[Index] = []
    for window, stride, (before, _), size, output, index in zip(
        grid.window, grid.strides, grid.padding, sizes, grid.output, place, strict=True
    ):
        first = minus(b, times(b, index, stride), before)
        start.append(first)
        if before == 0 and (output - 1) * stride + window <= size:
            low.append(0)
            count.append(window)
        else:
            low.append(greatest(b, minus(b, 0, first), 0))
            count.append(minus(b, least(b, window, minus(b, size, first)), low[-1]))
    return Taps(tuple(low), tuple(count), tuple(start))


def each_tap(b: Builder, grid: WindowGrid, taps: Taps, body: Callable[[Index, Sequence[Index]], None]) -> None:
    """Calls body(number of the tap in the whole window, coordinates in the image), in row-major order."""
    strides = c_strides(grid.window)

    def along(found: list[Index]) -> None:
        place = len(found)
        if place == len(taps.count):
            body(weighted(b, found, strides), [plus(b, one, tap) for one, tap in zip(taps.start, found, strict=True)])
            return
        low = taps.low[place]
        with each(b, low, plus(b, low, taps.count[place])) as tap:
            along([*found, tap])

    if taps.known is None:
        along([])
        return
    for one in product(*taps.known):
        body(weighted(b, one, strides), [plus(b, start, tap) for start, tap in zip(taps.start, one, strict=True)])


def first_tap(b: Builder, grid: WindowGrid, taps: Taps) -> tuple[Index, list[Index]]:
    """The first tap: its number in the whole window, and its coordinates in the image."""
    places = [plus(b, start, low) for start, low in zip(taps.start, taps.low, strict=True)]
    return weighted(b, taps.low, c_strides(grid.window)), places


def at_window(
    b: Builder, grid: WindowGrid, sizes: Sequence[int], place: Sequence[Index], body: Callable[[Taps], None]
) -> None:
    """Calls body with the taps of the window at a place of the grid; twice where that depends on the place: once for
    windows that lie inside, whose taps are known, and once for those that reach over a border."""
    taps = taps_of(b, grid, sizes, place)
    inside: Value | None = None
    for count, window in zip(taps.count, grid.window, strict=True):
        if isinstance(count, Value):
            whole = b.compare("eq", count, b.index(window))
            inside = whole if inside is None else b.operate("and", inside, whole)
    is_cut = any(
        isinstance(count, int) and count < window for count, window in zip(taps.count, grid.window, strict=True)
    )
    if inside is None or is_cut or prod(grid.window) > UNROLLED:
        body(taps)
        return
    outside = b.operate("xor", inside, b.constant("i1", 1))
    with b.when(inside):
        body(Taps((0,) * len(grid.window), grid.window, taps.start))
    with b.when(outside):
        body(taps)


def share_of(b: Builder, grid: WindowGrid, counts: Sequence[Index], element: str, count_padding: bool) -> Value:
    """One over the number of elements that are counted in a window, of whose taps so many by axis lie inside."""
    if count_padding:
        counts = grid.window
    count: Index = 1
    for one in counts:
        count = times(b, count, one)
    if isinstance(count, int):
        return b.constant(element, 1 / count)
    return b.fdiv(b.constant(element, 1), b.convert("sitofp", count, element))


def each_window_over(
    b: Builder, grid: WindowGrid, place: Sequence[Index], body: Callable[[Sequence[Index]], None]
) -> None:
    """Calls body for the places in the grid of all windows that the element at a place of an image lies in."""

    def along(found: list[Index]) -> None:
        axis = len(found)
        if axis == len(place):
            body(found)
            return
        stride, (before, _) = grid.strides[axis], grid.padding[axis]
        padded = plus(b, place[axis], before)
        first = quotient(b, plus(b, greatest(b, minus(b, padded, grid.window[axis] - 1), 0), stride - 1), stride)
        last = least(b, quotient(b, padded, stride), grid.output[axis] - 1)
        with each(b, first, plus(b, last, 1)) as index:
            along([*found, index])

    along([])
