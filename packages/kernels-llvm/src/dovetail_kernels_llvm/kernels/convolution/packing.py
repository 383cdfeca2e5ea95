"""Filters as the kernels read them: panels of as many columns as a tile has, each contiguous in the sum's order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod

from dovetail_protocols.records import record

from ...codegen.builder import Builder, Value
from ...codegen.isa import ISA
from ...codegen.types import COMPUTED, STORED, size_bytes, vector
from ...elementwise import from_memory
from ..kernel import Kernel, Launch, View, traffic
from .indices import Index, chosen, digits, each, least, minus, plus, times, value, weighted
from .runs import load_run

Allocate = Callable[[str, tuple[int, ...]], View]

TASK_BYTES = 256 << 10
"""About what a task of packing writes, at most."""


@record
class Filters:
    """Filters to be packed: for each tap and group, a matrix of channels (summed over) and columns (of the result).

    `view`: the filters as they are; `taps`: the places of the taps in it, in elements, in their order; `group_stride`,
    `channel_stride` and `column_stride` in elements.
    """

    view: View
    taps: tuple[int, ...]
    groups: int
    group_stride: int
    channels: int
    channel_stride: int
    columns: int
    column_stride: int


@record
class Panels:
    """Filters as a kernel reads them. Element (group, panel, k-th of the sum, column of the panel) lies at
    group·group_stride + panel·panel_stride + k·step + column of `view`."""

    view: View
    group_stride: int
    panel_stride: int
    step: int


def in_place(filters: Filters, width: int) -> Panels | None:
    """Filters as panels of a width without packing them; None where they don't lie so."""
    view = filters.view
    steps = [tap - filters.taps[0] for tap in filters.taps]
    linear = steps == [place * filters.channels * filters.channel_stride for place in range(len(steps))]
    if COMPUTED[view.dtype] != STORED[view.dtype] or not linear or filters.column_stride != 1:
        return None
    if filters.columns % width or (filters.taps and filters.taps[0]):
        return None
    return Panels(view, filters.group_stride, width, filters.channel_stride)


def pack(isa: ISA, filters: Filters, width: int, allocate: Allocate) -> tuple[list[Launch], Panels]:
    """The launch that packs filters into panels of a width, columns beyond the last as zeros, and what it gives."""
    panels, length = -(-filters.columns // width), len(filters.taps) * filters.channels
    dtype = "float64" if filters.view.dtype == "float64" else "float32"
    target = allocate(dtype, (filters.groups, panels, max(length, 1), width))
    packed = Panels(target, panels * max(length, 1) * width, max(length, 1) * width, width)
    if not length:
        return [], packed
    taps = min(max(TASK_BYTES // (filters.channels * width * size_bytes(dtype)), 1), len(filters.taps))
    sizes = (filters.groups, panels, -(-len(filters.taps) // taps))
    text = _text(isa, filters, packed, width, sizes)
    what = f"pack filters {'×'.join(map(str, filters.view.shape))} in panels of {width}"
    moved = traffic(filters.view, target)
    launch = Launch(Kernel(text, what), (filters.view, target), (1,), prod(sizes), 0.0, moved)
    return [launch], packed


def _text(isa: ISA, filters: Filters, packed: Panels, width: int, sizes: Sequence[int]) -> str:
    b = Builder(isa)
    source, target = b.pointer(0), b.pointer(1)
    stored, element = STORED[filters.view.dtype], STORED[packed.view.dtype]
    group, panel, part = digits(b, b.task, sizes)
    taps = -(-len(filters.taps) // sizes[2])
    first = times(b, part, taps)
    last = least(b, plus(b, first, taps), len(filters.taps))
    columns = least(b, width, minus(b, filters.columns, times(b, panel, width)))
    with each(b, first, last) as tap:
        place = plus(b, chosen(b, tap, filters.taps), times(b, group, filters.group_stride))
        place = plus(b, place, times(b, panel, width * filters.column_stride))
        start = weighted(b, (group, panel, tap), (packed.group_stride, packed.panel_stride, filters.channels * width))
        matrix, rows = b.offset(source, place, stored), b.offset(target, start, element)
        if filters.column_stride != 1 and filters.channel_stride == 1:
            _turned(b, filters, matrix, rows, width, columns)
        else:
            _straight(b, filters, matrix, rows, width, columns)
    return b.text()


def _straight(b: Builder, filters: Filters, matrix: Value, rows: Value, width: int, columns: Index) -> None:
    """Columns lie side by side, or anyhow: row by row."""
    dtype = filters.view.dtype
    lanes = min(b.isa.lanes(size_bytes("float64" if dtype == "float64" else "float32")), width)
    with each(b, 0, filters.channels) as channel:
        row = b.offset(matrix, times(b, channel, filters.channel_stride), STORED[dtype])
        target = b.offset(rows, times(b, channel, width), COMPUTED[dtype])
        for start in range(0, width, lanes):
            place = b.offset(target, start, COMPUTED[dtype])
            if isinstance(columns, int) and columns >= start + lanes and filters.column_stride == 1:
                b.store(load_run(b, dtype, row, 1, start, lanes, None), place)
            else:
                b.store(_some(b, filters, row, start, lanes, minus(b, columns, start)), place)


def _some(b: Builder, filters: Filters, row: Value, start: int, lanes: int, count: Index) -> Value:
    """A vector of the columns that there are, from `start` on; zeros elsewhere."""
    dtype, stride = filters.view.dtype, filters.column_stride
    mask = b.tail_mask(value(b, count), lanes)
    if stride == 1:
        return load_run(b, dtype, row, 1, start, lanes, mask)
    place = b.offset(row, start * stride, STORED[dtype])
    numbers = b.lane_numbers("i64", lanes)
    indices = b.mul(numbers, b.constant(numbers.type, stride))
    return from_memory(b, dtype, b.gather(vector(STORED[dtype], lanes), place, indices, mask))


def _turned(b: Builder, filters: Filters, matrix: Value, rows: Value, width: int, columns: Index) -> None:
    """Channels lie side by side: squares of them are transposed in registers, the rest goes one by one."""
    dtype = filters.view.dtype
    element = COMPUTED[dtype]
    lanes = min(b.isa.lanes(size_bytes("float64" if dtype == "float64" else "float32")), 8)
    whole = filters.channels // lanes * lanes if not width % lanes else 0
    with each(b, 0, width, lanes if whole else 1) as column:
        there = b.offset(matrix, times(b, column, filters.column_stride), STORED[dtype])
        target = b.offset(rows, column, element)
        if whole:
            inside = b.compare("sle", value(b, plus(b, column, lanes)), value(b, columns))
            if isinstance(columns, int) and columns == width:
                _squares(b, filters, there, target, width, lanes, whole)
                _singles(b, filters, there, target, width, lanes, (whole, filters.channels), None)
            else:
                with b.when(inside):
                    _squares(b, filters, there, target, width, lanes, whole)
                    _singles(b, filters, there, target, width, lanes, (whole, filters.channels), None)
                outside = b.compare("sgt", value(b, plus(b, column, lanes)), value(b, columns))
                with b.when(outside):
                    rest = minus(b, columns, column)
                    _singles(b, filters, there, target, width, lanes, (0, filters.channels), rest)
        else:
            _singles(b, filters, there, target, width, 1, (0, filters.channels), minus(b, columns, column))


def _squares(b: Builder, filters: Filters, there: Value, target: Value, width: int, lanes: int, whole: int) -> None:
    dtype = filters.view.dtype
    with each(b, 0, whole, lanes) as channel:
        read = [
            load_run(b, dtype, b.offset(there, lane * filters.column_stride, STORED[dtype]), 1, channel, lanes, None)
            for lane in range(lanes)
        ]
        place = b.offset(target, times(b, channel, width), COMPUTED[dtype])
        for lane, row in enumerate(transposed(b, read)):
            b.store(row, b.offset(place, lane * width, COMPUTED[dtype]))


def _singles(
    b: Builder,
    filters: Filters,
    there: Value,
    target: Value,
    width: int,
    lanes: int,
    channels: tuple[int, int],
    count: Index | None,
) -> None:
    """Some channels of `lanes` columns, of which `count` are there, one by one."""
    dtype = filters.view.dtype
    if channels[0] == channels[1]:
        return
    with each(b, *channels) as channel, each(b, 0, lanes) as lane:
        place = b.offset(target, weighted(b, (channel, lane), (width, 1)), COMPUTED[dtype])
        b.store(b.constant(COMPUTED[dtype], 0), place)
        origin = b.offset(
            there, weighted(b, (channel, lane), (filters.channel_stride, filters.column_stride)), STORED[dtype]
        )
        if count is None:
            b.store(from_memory(b, dtype, b.load(STORED[dtype], origin)), place)
        else:
            with b.when(b.compare("slt", value(b, lane), value(b, count))):
                b.store(from_memory(b, dtype, b.load(STORED[dtype], origin)), place)


def transposed(b: Builder, rows: Sequence[Value]) -> list[Value]:
    """The columns of a square of as many vectors as each has lanes, a power of two."""
    found, lanes = list(rows), len(rows)
    step = lanes // 2
    while step:
        for place in range(lanes):
            if not place & step:
                low, high = found[place], found[place + step]
                first = [lane if not lane & step else lane - step + lanes for lane in range(lanes)]
                second = [lane + step if not lane & step else lane + lanes for lane in range(lanes)]
                found[place] = b.shuffle(low, high, first)
                found[place + step] = b.shuffle(low, high, second)
        step //= 2
    return found


def pack_dots(isa: ISA, filters: Filters, lanes: int, allocate: Allocate) -> tuple[list[Launch], Panels]:
    """The launch that packs filters for sums whose lanes are channels: for each tap and vector of channels, which are
    filled up with zeros, the vectors of all columns."""
    steps = -(-filters.channels // lanes)
    dtype = "float64" if filters.view.dtype == "float64" else "float32"
    target = allocate(dtype, (filters.groups, max(len(filters.taps), 1), steps, filters.columns, lanes))
    step = filters.columns * lanes
    packed = Panels(target, max(len(filters.taps), 1) * steps * step, 0, step)
    if not filters.taps:
        return [], packed
    b = Builder(isa)
    source, there = b.pointer(0), b.pointer(1)
    stored, element = STORED[filters.view.dtype], COMPUTED[filters.view.dtype]
    with (
        each(b, 0, len(filters.taps)) as tap,
        each(b, 0, steps * lanes) as channel,
        each(b, 0, filters.columns) as column,
    ):
        vector_number = b.operate("udiv", value(b, channel), b.index(lanes))
        lane = b.operate("urem", value(b, channel), b.index(lanes))
        place = weighted(
            b, (b.task, tap, vector_number, column, lane), (packed.group_stride, steps * step, step, lanes, 1)
        )
        to = b.offset(there, place, element)
        b.store(b.constant(element, 0), to)
        with b.when(b.compare("slt", value(b, channel), b.index(filters.channels))):
            origin = plus(b, chosen(b, tap, filters.taps), times(b, b.task, filters.group_stride))
            inner = weighted(b, (channel, column), (filters.channel_stride, filters.column_stride))
            read = b.load(stored, b.offset(source, plus(b, origin, inner), stored))
            b.store(from_memory(b, filters.view.dtype, read), to)
    what = f"pack filters {'×'.join(map(str, filters.view.shape))} by vectors of channels"
    moved = traffic(filters.view, target)
    return [Launch(Kernel(b.text(), what), (filters.view, target), (1,), filters.groups, 0.0, moved)], packed
