"""A product of small matrices that lie in scratch memory, kept in registers tile by tile: the inner part of attention.

A tile is a few rows of the left matrix times a few vectors of columns of the right one. Elements of the left matrix are
broadcast, so it may have any strides (a transposed matrix is one with its strides swapped); rows of the right matrix
are loaded as vectors. Source: K. Goto, R. van de Geijn, Anatomy of High-Performance Matrix Multiplication, 2008.
"""

from __future__ import annotations

from collections.abc import Callable

from dovetail_protocols.records import record

from ...codegen.builder import Builder, Value
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


Begin = Callable[[int, Value], Value]
"""Gives what a product is added to: of a row of the tile and a vector of columns."""

Finish = Callable[[int, Value, Value], None]
"""Takes the product: row of the tile, vector of columns, lanes."""


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
    height: int,
    left: Left,
    right: Right,
    *,
    vectors: Count,
    depth: tuple[Count, Count],
    finish: Finish,
    begin: Begin | None = None,
) -> None:
    """The product of `height` rows of the left matrix and `vectors` vectors of the right one's columns, summed over the
    depths from the first to below the second."""

    def at(column: Value, width: int) -> None:
        _tile(b, type_, (height, width), left, right, column, depth, begin, finish)

    full = times(b, divided(b, vectors, tile.width), tile.width)
    if full != 0:
        with b.loop(0, full, tile.width) as column:
            at(column, tile.width)
    if isinstance(vectors, Value):
        with b.loop(full, vectors) as column:
            at(column, 1)
    elif vectors != full:
        at(value_of(b, full), vectors % tile.width)


def _tile(
    b: Builder,
    type_: str,
    shape: tuple[int, int],
    left: Left,
    right: Right,
    column: Value,
    depth: tuple[Count, Count],
    begin: Begin | None,
    finish: Finish,
) -> None:
    element, lanes = element_of(type_), lanes_of(type_)
    height, width = shape
    columns = [b.add(column, b.index(vector)) if vector else column for vector in range(width)]
    zero = b.constant(type_, 0)
    sums = [[b.variable(begin(row, one) if begin else zero) for one in columns] for row in range(height)]
    first = right.at(column)
    with b.loop(*depth) as step:
        across = b.offset(first, b.mul(step, b.index(right.depth)), element)
        vectors = [load_aligned(b, type_, b.offset(across, vector * lanes, element)) for vector in range(width)]
        down = b.offset(left.pointer, b.mul(step, b.index(left.depth)), element)
        for row in range(height):
            factor = b.splat(b.load(element, b.offset(down, row * left.row, element)), lanes)
            for place, vector in enumerate(vectors):
                sums[row][place].set(b.fma(factor, vector, sums[row][place].get()))
    for row in range(height):
        for place, one in enumerate(columns):
            finish(row, one, sums[row][place].get())


def load_aligned(b: Builder, type_: str, pointer: Value) -> Value:
    """A vector of scratch memory, at a multiple of its own size."""
    return b.load(type_, pointer, align=_alignment(b))


def store_aligned(b: Builder, value: Value, pointer: Value) -> None:
    """Keeps a vector in scratch memory, at a multiple of its own size."""
    b.store(value, pointer, align=_alignment(b))


def _alignment(b: Builder) -> int:
    return min(ALIGNMENT, b.isa.vector_bytes)
