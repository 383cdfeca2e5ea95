"""Copies of operands in the order in which products read them: converted, aligned, without gaps."""

from __future__ import annotations

from ...codegen.builder import Builder, Value
from ...codegen.types import STORED
from .elements import read, widened
from .numbers import Number, at, each, minus


def copy_panel(
    b: Builder,
    dtype: str,
    source: Value,
    strides: tuple[int, int],
    target: Value,
    element: str,
    *,
    depth: int,
    columns: int,
    width: int,
    lanes: int,
) -> None:
    """Copies `depth` rows of `columns` elements of a view with these strides to rows of `width` elements, those beyond
    `columns` undefined but for being readable. Up to a whole number of `lanes` rows may be written."""
    down, along = strides
    if down == 1 and along != 1:
        _copy_transposed(
            b, dtype, source, along, target, element, depth=depth, columns=columns, width=width, lanes=lanes
        )
        return
    with each(b, 0, depth) as row:
        start = at(b, source, STORED[dtype], (row, down))
        for column in range(0, columns, lanes):
            loaded = read(
                b, dtype, b.offset(start, column * along, STORED[dtype]), along, lanes, min(lanes, columns - column)
            )
            b.store(widened(b, dtype, loaded, element), at(b, target, element, (row, width), (column, 1)))


def _copy_transposed(
    b: Builder,
    dtype: str,
    source: Value,
    stride: int,
    target: Value,
    element: str,
    *,
    depth: int,
    columns: int,
    width: int,
    lanes: int,
) -> None:
    """The panel whose columns are contiguous: blocks of lanes × lanes, turned over in registers."""
    for column in range(0, columns, lanes):

        def block(row: Number, valid: int, column: int = column) -> None:
            vectors = []
            for lane in range(lanes):
                # Beyond the last column, the last again: what a lane holds there doesn't matter.
                place = min(column + lane, columns - 1) * stride
                start = at(b, source, STORED[dtype], (row, 1), (place, 1))
                loaded = read(b, dtype, start, 1, lanes, valid)
                vectors.append(widened(b, dtype, loaded, element))
            for lane, turned in enumerate(transpose(b, vectors)):
                b.store(turned, at(b, target, element, (row, width), (lane * width + column, 1)))

        whole = depth // lanes * lanes
        if whole:
            with each(b, 0, whole, lanes) as row:
                block(row, lanes)
        if depth - whole:
            block(whole, depth - whole)


def transpose(b: Builder, rows: list[Value]) -> list[Value]:
    """Columns of as many vectors as they have lanes: rounds of interleaving each with the one half of them away."""
    lanes = len(rows)
    half = lanes // 2
    low = [lane // 2 + lane % 2 * lanes for lane in range(lanes)]
    high = [one + half for one in low]
    for _ in range(lanes.bit_length() - 1):
        pairs = [(rows[place], rows[place + half]) for place in range(half)]
        rows = [b.shuffle(x, y, order) for x, y in pairs for order in (low, high)]
    return rows


def copy_rows(
    b: Builder,
    dtype: str,
    source: Value,
    strides: tuple[int, int],
    target: Value,
    element: str,
    *,
    rows: Number,
    length: Number,
    width: int,
    lanes: int,
) -> None:
    """Copies `rows` × `length` elements of a view with these strides to rows of `width` elements."""
    down, along = strides
    with each(b, 0, rows) as row:
        start = at(b, source, STORED[dtype], (row, down))
        if along == 1:
            rest = length % lanes if isinstance(length, int) else b.operate("urem", length, b.index(lanes))
            whole = minus(b, length, rest)
            with each(b, 0, whole, lanes) as column:
                loaded = read(b, dtype, at(b, start, STORED[dtype], (column, 1)), 1, lanes, lanes)
                b.store(widened(b, dtype, loaded, element), at(b, target, element, (row, width), (column, 1)))
        else:
            whole = 0
        with each(b, whole, length) as column:
            one = read(b, dtype, at(b, start, STORED[dtype], (column, along)), 0, 1, 1)
            b.store(widened(b, dtype, one, element), at(b, target, element, (row, width), (column, 1)))
