"""Loops over windows and the elements in them, and over channels in vectors: what all kernels of pools share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product
from math import prod

from dovetail_protocols.operations.windows import WindowGrid
from dovetail_protocols.records import record

from ...codegen.builder import Builder, Value
from ...codegen.isa import ISA
from ...codegen.types import COMPUTED, FLOATING, SIZES, STORED, UNSIGNED, size_bytes, vector
from ...elementwise import from_memory, to_memory
from ..convolution.indices import Index, digits, each, greatest, least, minus, plus, times, value, weighted
from ..kernel import Kernel, Launch, View, c_strides, traffic

TASK_BYTES = 192 << 10
"""About what a task should read and write."""

MOST_TASKS = 32

TOGETHER = 4
"""Vectors of channels that go through a window together."""

UNROLLED = 16
"""Up to so many taps of a window that never reaches over a border are written out."""


@record
class Bundle:
    """Channels that are computed together: from `first` on, `vectors` vectors of `lanes`, the last under `mask`."""

    first: Index
    vectors: int
    lanes: int
    mask: Value | None


def lanes_for(b: Builder, views: Sequence[View]) -> int:
    """How many channels a vector has: 1 where some view's channels don't lie side by side."""
    if any(view.strides[-1] != 1 and view.shape[-1] > 1 for view in views):
        return 1
    return b.isa.lanes(max(SIZES[COMPUTED[view.dtype]] for view in views))


def each_bundle(
    b: Builder, start: Index, stop: Index, lanes: int, body: Callable[[Bundle], None], *, maskable: bool
) -> None:
    """Calls body for bundles of the channels from start to stop, which may be known only when the kernel runs."""
    wide = lanes * TOGETHER
    count = minus(b, stop, start)
    whole: Index
    vectors: Index
    if isinstance(count, int):
        whole, vectors = count // wide * wide, count // lanes * lanes
    else:
        whole = times(b, b.operate("udiv", count, b.index(wide)), wide)
        vectors = times(b, b.operate("udiv", count, b.index(lanes)), lanes)
    for low, high, step in ((0, whole, TOGETHER), (whole, vectors, 1)):
        if not (isinstance(low, int) and isinstance(high, int) and low >= high):
            with each(b, low, high, step * lanes) as index:
                body(Bundle(plus(b, start, index), step, lanes, None))
    if lanes == 1 or (isinstance(count, int) and count == vectors):
        return
    if maskable:
        rest = minus(b, count, vectors)
        if isinstance(rest, int):
            body(Bundle(plus(b, start, vectors), 1, lanes, b.tail_mask(value(b, rest), lanes)))
        else:
            with b.when(b.compare("sgt", rest, b.index(0))):
                body(Bundle(plus(b, start, vectors), 1, lanes, b.tail_mask(rest, lanes)))
    else:
        with each(b, vectors, count) as index:
            body(Bundle(plus(b, start, index), 1, 1, None))


def is_maskable(b: Builder, views: Sequence[View]) -> bool:
    """Whether the elements of all views can be loaded and stored under a mask in hardware."""
    return b.isa.masked and all(size_bytes(view.dtype) in (4, 8) for view in views)


def load(b: Builder, view: View, pointer: Value, place: Sequence[Index], bundle: Bundle) -> list[Value]:
    """The channels of a bundle at a place (image, *spatial), in their COMPUTED type."""
    found = []
    for there in _places(b, view, pointer, place, bundle):
        type_ = vector(STORED[view.dtype], bundle.lanes)
        stored = b.load(type_, there) if bundle.mask is None else b.masked_load(type_, there, bundle.mask)
        found.append(from_memory(b, view.dtype, stored))
    return found


def store(
    b: Builder, view: View, pointer: Value, place: Sequence[Index], bundle: Bundle, computed: Sequence[Value]
) -> None:
    """Stores the channels of a bundle, given in their COMPUTED type, at a place (image, *spatial)."""
    for there, one in zip(_places(b, view, pointer, place, bundle), computed, strict=True):
        stored = to_memory(b, view.dtype, one)
        if bundle.mask is None:
            b.store(stored, there)
        else:
            b.masked_store(stored, there, bundle.mask)


def _places(b: Builder, view: View, pointer: Value, place: Sequence[Index], bundle: Bundle) -> list[Value]:
    """Where the vectors of a bundle lie."""
    stored = STORED[view.dtype]
    first = b.offset(pointer, weighted(b, (*place, bundle.first), view.strides), stored)
    step = bundle.lanes * view.strides[-1]
    return [b.offset(first, number * step, stored) for number in range(bundle.vectors)]


@record
class Taps:
    """The elements of a window that lie in the image: by axis the first, how many, and the coordinate of tap 0."""

    low: tuple[Index, ...]
    count: tuple[Index, ...]
    start: tuple[Index, ...]

    @property
    def known(self) -> tuple[int, ...] | None:
        """How many there are by axis, from the first on, where they are the same few in each window."""
        counts = tuple(one for one, low in zip(self.count, self.low, strict=True) if isinstance(one, int) and low == 0)
        return counts if len(counts) == len(self.count) and prod(counts) <= UNROLLED else None


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
    for one in product(*map(range, taps.known)):
        body(weighted(b, one, strides), [plus(b, start, tap) for start, tap in zip(taps.start, one, strict=True)])


def first_tap(b: Builder, grid: WindowGrid, taps: Taps) -> tuple[Index, list[Index]]:
    """The first tap: its number in the whole window, and its coordinates in the image."""
    places = [plus(b, start, low) for start, low in zip(taps.start, taps.low, strict=True)]
    return weighted(b, taps.low, c_strides(grid.window)), places


def task_count(units: int, traffic_bytes: float) -> int:
    """Into how many tasks so many units of work are cut."""
    return max(min(int(traffic_bytes / TASK_BYTES), units, MOST_TASKS), 1)


def each_unit(b: Builder, sizes: Sequence[int], tasks: int, body: Callable[[Sequence[Index]], None]) -> None:
    """Calls body for the task's share of the places of an array of these sizes, in row-major order."""
    units = prod(sizes)
    start: Index = 0
    stop: Index = units
    if tasks == units:
        start, stop = b.task, plus(b, b.task, 1)
    elif tasks > 1:
        start, stop = (
            b.operate("udiv", value(b, times(b, plus(b, b.task, more), units)), b.index(tasks)) for more in (0, 1)
        )
    with each(b, start, stop) as unit:
        body(digits(b, unit, sizes))


def each_place(b: Builder, sizes: Sequence[int], body: Callable[[list[Index]], None]) -> None:
    """Calls body for all places of an array of these sizes, in row-major order."""

    def along(found: list[Index]) -> None:
        if len(found) == len(sizes):
            body(found)
            return
        with each(b, 0, sizes[len(found)]) as index:
            along([*found, index])

    along([])


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


def is_better(b: Builder, dtype: str, read: Value, best: Value, *, nan: bool) -> Value:
    """Where an element is greater than the best so far, or (with `nan`) is NaN, after which nothing is better."""
    if dtype not in FLOATING:
        return b.compare("ugt" if dtype in UNSIGNED else "sgt", read, best)
    greater = b.compare("ogt", read, best)
    return b.operate("or", greater, b.compare("uno", read, read)) if nan else greater


def computed_type(view: View, lanes: int) -> str:
    """The type of a vector of a view's elements in registers."""
    return vector(COMPUTED[view.dtype], lanes)


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


def quotient(b: Builder, number: Index, divisor: int) -> Index:
    """Of a number from 0 up."""
    if isinstance(number, int):
        return number // divisor
    return number if divisor == 1 else b.operate("udiv", number, b.index(divisor))


Element = Callable[[Builder, Sequence[Value], Index, Sequence[Index], Bundle], None]


def launch_by_place(
    isa: ISA,
    what: str,
    grid: WindowGrid,
    inputs: Sequence[View],
    result: View,
    body: Element,
    places: Sequence[int] | None = None,
) -> list[Launch]:
    """The launch that calls `body` for all places (batch, *spatial), those of the result unless others are named, and
    bundles of channels. A task has rows."""
    if not result.size:
        return []
    b = Builder(isa)
    views = (*inputs, result)
    pointers = [b.pointer(number) for number in range(len(views))]
    lanes, maskable = lanes_for(b, views), is_maskable(b, views)
    batch, rows, *others = places or result.shape[:-1]
    tasks = task_count(batch * rows, traffic(*views))

    def row(unit: Sequence[Index]) -> None:
        def at(rest: Sequence[Index]) -> None:
            place = (unit[1], *rest)
            each_bundle(
                b, 0, result.shape[-1], lanes, lambda one: body(b, pointers, unit[0], place, one), maskable=maskable
            )

        each_place(b, others, at)

    each_unit(b, (batch, rows), tasks, row)
    what = f"{what}, window {'×'.join(map(str, grid.window))}"
    return [Launch(Kernel(b.text(), what), views, (len(views) - 1,), tasks, 0.0, traffic(*views))]


def shape_of(view: View) -> str:
    """A view's shape, for readers."""
    return "×".join(map(str, view.shape))
