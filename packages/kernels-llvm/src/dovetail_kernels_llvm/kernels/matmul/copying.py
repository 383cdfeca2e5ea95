"""Copies of operands in panels, as tiles read them: rows of K, each of as many elements as the panel is wide."""

from __future__ import annotations

from contextlib import nullcontext

from dovetail_protocols.records import record

from ...codegen.builder import Builder, Value
from ...codegen.types import STORED
from .elements import read, store_lanes, widened
from .numbers import Number, at, each, minus, smaller
from .parts import Cut, runs


@record
class Panels:
    """The panels of an operand: of B as it is, or of A transposed, so that its shape is (K, length).

    `dtype` and `strides` (along K, along the length): of the operand; `cut`: the length in panels; `depth`: how many
    rows of K the copy of a panel has; `element`: the type that it has them in, in vectors of `lanes`.
    """

    dtype: str
    strides: tuple[int, int]
    cut: Cut
    depth: int
    element: str
    lanes: int

    @property
    def width(self) -> int:
        return self.cut.largest

    @property
    def is_transposed(self) -> bool:
        """Whether it is K that is contiguous."""
        return self.strides[0] == 1 and self.strides[1] != 1

    @property
    def elements(self) -> int:
        """From the copy of a panel to that of the next: a whole number of vectors, and a little more, so that panels
        don't meet in the same sets of a cache."""
        return (-(-self.depth * self.width // self.lanes) + 3) * self.lanes


ROWS = 8
"""How many rows of K are copied at a time, so that some lines of each panel are written one after the other."""


def copy_panels(
    b: Builder, panels: Panels, source: Value, target: Value, first: Number, last: Number, depth: Number
) -> None:
    """Copies `depth` rows of the panels from `first` up to `last`. `source`: the operand's first element in these rows;
    `target`: where the copy of panel `first` goes."""
    with each(b, 0, depth, ROWS) if not panels.is_transposed else nullcontext(0) as row:
        rows = depth if panels.is_transposed else smaller(b, minus(b, depth, row), ROWS)
        for size, start, stop in runs(b, panels.cut, first, last):
            with each(b, start, stop) as panel:
                place = at(
                    b,
                    source,
                    STORED[panels.dtype],
                    (row, panels.strides[0]),
                    (panels.cut.start(b, panel), panels.strides[1]),
                )
                copy = at(b, target, panels.element, (minus(b, panel, first), panels.elements), (row, panels.width))
                copy_panel(b, panels, place, copy, size, rows)


def copy_panel(b: Builder, panels: Panels, source: Value, target: Value, size: int, depth: Number) -> None:
    """Copies `depth` rows of one panel that has `size` columns. `source`: its first element in these rows."""
    if panels.is_transposed:
        _copy_transposed(b, panels, source, target, size, depth)
        return
    stored, (down, along), lanes = STORED[panels.dtype], panels.strides, panels.lanes
    with each(b, 0, depth) as row:
        place, copy = at(b, source, stored, (row, down)), at(b, target, panels.element, (row, panels.width))
        for column in range(0, size, lanes):
            left = size - column
            piece = min(lanes, 1 << (left - 1).bit_length())
            loaded = read(b, panels.dtype, b.offset(place, column * along, stored), along, piece, min(piece, left))
            value = widened(b, panels.dtype, loaded, panels.element)
            store_lanes(b, value, b.offset(copy, column, panels.element), min(piece, panels.width - column))


def _copy_transposed(b: Builder, panels: Panels, source: Value, target: Value, size: int, depth: Number) -> None:
    """The copy where it is K that is contiguous: blocks of lanes × lanes, turned over in registers."""
    stored, stride, lanes = STORED[panels.dtype], panels.strides[1], panels.lanes
    valid = min(lanes, depth) if isinstance(depth, int) else lanes

    def copy_block(place: Value, copy: Value, columns: int, kept: int) -> None:
        vectors = []
        for lane in range(lanes):
            # Beyond the last column, the last again: what the copy has there doesn't matter.
            address = b.offset(place, min(lane, columns - 1) * stride, stored)
            loaded = read(b, panels.dtype, address, 1, lanes, valid)
            vectors.append(widened(b, panels.dtype, loaded, panels.element))
        for lane, turned in enumerate(transpose(b, vectors)[:valid]):
            store_lanes(b, turned, b.offset(copy, lane * panels.width, panels.element), kept)

    with each(b, 0, depth, lanes) as step:
        # The last block of rows is a whole one, too: with rows that were copied already.
        row = step if valid < lanes else smaller(b, step, minus(b, depth, lanes))
        place, copy = at(b, source, stored, (row, 1)), at(b, target, panels.element, (row, panels.width))
        whole = size // lanes * lanes
        if whole:
            with each(b, 0, whole, lanes) as column:
                copy_block(
                    at(b, place, stored, (column, stride)), at(b, copy, panels.element, (column, 1)), lanes, lanes
                )
        if size > whole:
            rest = b.offset(place, whole * stride, stored), b.offset(copy, whole, panels.element)
            copy_block(*rest, size - whole, min(lanes, panels.width - whole))


def transpose(b: Builder, rows: list[Value]) -> list[Value]:
    """Columns of as many vectors as they have lanes: in rounds, each is interleaved with the one half of them away."""
    lanes = len(rows)
    half = lanes // 2
    low, high = interleaving(lanes)
    for _ in range(lanes.bit_length() - 1):
        pairs = [(rows[place], rows[place + half]) for place in range(half)]
        rows = [b.shuffle(x, y, order) for x, y in pairs for order in (low, high)]
    return rows


def interleaving(lanes: int) -> tuple[list[int], list[int]]:
    """The lanes of two vectors that interleave their first halves, and their second ones."""
    low = [lane // 2 + lane % 2 * lanes for lane in range(lanes)]
    return low, [lane + lanes // 2 for lane in low]
