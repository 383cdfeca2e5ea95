"""A product of small matrices that lie in scratch memory, kept in registers tile by tile: the inner part of attention.

A tile is a few rows of the left matrix times a few vectors of columns of the right one. Elements of the left matrix are
broadcast, so it may have any strides (a transposed matrix is one with its strides swapped); rows of the right matrix
are loaded as vectors. Source: K. Goto, R. van de Geijn, Anatomy of High-Performance Matrix Multiplication, 2008.
"""

from __future__ import annotations

from collections.abc import Callable

from dovetail_protocols.records import record

from ...codegen.builder import Builder, Value, Variable
from ...codegen.isa import ISA
from ...codegen.types import element_of, lanes_of
from .counts import Count, divided, times, value_of

ALIGNMENT = 64
"""Of scratch memory, and so of each vector in it, up to its own size."""


@record
class Tile:
    """How much is kept in registers: `height` rows × `width` vectors."""

    height: int
    width: int


def tile_of(isa: ISA) -> Tile:
    """The tile that fills the registers of an instruction set, with room for a row of the right matrix."""
    return Tile(8, 2) if isa.registers >= 32 else Tile(6, 2)


@record
class Left:
    """The left matrix: the address of the first row of a tile, and the strides of rows and of the depth."""

    pointer: Value
    row: int
    depth: int


@record
class Right:
    """The right matrix: `at` gives the address of a vector of columns, counted in vectors, in the row of depth 0."""

    at: Callable[[Value], Value]
    depth: int


@record
class Rows:
    """Rows of a matrix in scratch: the address of the first, how far they are apart, and how many."""

    pointer: Value
    stride: int
    height: int

    def at(self, b: Builder, type_: str, row: int, vector: Value) -> Value:
        """The address of a vector of a row."""
        place = b.mul(vector, b.index(lanes_of(type_)))
        return b.offset(b.offset(self.pointer, place, element_of(type_)), row * self.stride, element_of(type_))


Finish = Callable[[int, Value, Value], Value]
"""Gives what is kept of a product: of a row of the tile, the address where it is kept, and its lanes."""


def over_rows(b: Builder, rows: Count, height: int, remainder: int, body: Callable[[Value, int], None]) -> None:
    """Calls `body` with the first row of each tile and how many rows it has: `height`, or `remainder` (known when the
    kernel is written) at the end, where as many are left over."""
    full = times(b, divided(b, rows, height), height)
    if full != 0:
        with b.loop(0, full, height) as row:
            body(row, height)
    if isinstance(rows, int) and rows != full:
        body(value_of(b, full), remainder)
    elif isinstance(rows, Value) and remainder:
        with b.when(b.compare("slt", value_of(b, full), rows)):
            body(value_of(b, full), remainder)


def product(
    b: Builder,
    type_: str,
    tile: Tile,
    left: Left,
    right: Right,
    result: Rows,
    *,
    vectors: Count,
    depth: tuple[Count, Count],
    begin: Callable[[int, Value], Value] | None = None,
    finish: Finish | None = None,
) -> None:
    """The product of as many rows of the left matrix as `result` has and `vectors` vectors of the right one's columns,
    summed over the depths from the first to below the second.

    `begin` gives what is added to, of a row of the tile and the address of the result; `finish`, what is kept.
    """

    def at(column: Value, width: int) -> None:
        element, lanes, height = element_of(type_), lanes_of(type_), result.height
        corner = result.at(b, type_, 0, column)
        places = [
            [b.offset(corner, row * result.stride + place * lanes, element) for place in range(width)]
            for row in range(height)
        ]
        zero = b.constant(type_, 0)
        sums = [[b.variable(begin(row, place) if begin else zero) for place in places[row]] for row in range(height)]
        _sum(b, type_, left, right, column, sums, depth)
        for row in range(height):
            for one, place in zip(sums[row], places[row], strict=True):
                store_aligned(b, finish(row, place, one.get()) if finish else one.get(), place)

    full = times(b, divided(b, vectors, tile.width), tile.width)
    if full != 0:
        with b.loop(0, full, tile.width) as column:
            at(column, tile.width)
    if isinstance(vectors, Value):
        with b.loop(full, vectors) as column:
            at(column, 1)
    elif vectors != full:
        at(value_of(b, full), vectors % tile.width)


def _sum(
    b: Builder,
    type_: str,
    left: Left,
    right: Right,
    column: Value,
    sums: list[list[Variable]],
    depth: tuple[Count, Count],
) -> None:
    """Adds the products of a tile's rows and columns to sums, by row and vector of columns."""
    element, lanes = element_of(type_), lanes_of(type_)
    first = right.at(column)
    with b.loop(*depth) as step:
        across = b.offset(first, b.mul(step, b.index(right.depth)), element)
        vectors = [load_aligned(b, type_, b.offset(across, place * lanes, element)) for place in range(len(sums[0]))]
        down = b.offset(left.pointer, b.mul(step, b.index(left.depth)), element)
        for row, of_row in enumerate(sums):
            factor = b.splat(b.load(element, b.offset(down, row * left.row, element)), lanes)
            for one, vector in zip(of_row, vectors, strict=True):
                one.set(b.fma(factor, vector, one.get()))


def load_aligned(b: Builder, type_: str, pointer: Value) -> Value:
    """A vector of scratch memory, at a multiple of its own size."""
    return b.load(type_, pointer, align=_alignment(b))


def store_aligned(b: Builder, value: Value, pointer: Value) -> None:
    """Keeps a vector in scratch memory, at a multiple of its own size."""
    b.store(value, pointer, align=_alignment(b))


def _alignment(b: Builder) -> int:
    return min(ALIGNMENT, b.isa.vector_bytes)
