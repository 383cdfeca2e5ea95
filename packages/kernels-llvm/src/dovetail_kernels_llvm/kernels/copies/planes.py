"""Copies in which the axis along which the source is dense is not the one along which the target is.

Planes of these two axes are walked in blocks, and these in square tiles that are transposed in registers. The axis of a
plane along which the target is dense is called its columns, the one along which the source is dense its rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from math import prod

from dovetail_protocols.records import record

from ...codegen.builder import Builder, Value
from ...codegen.types import vector
from .nests import Nest, displacement, part, unraveled
from .runs import Word
from .transposes import tile_size, transposed

BLOCK = (64, 256)
"""Rows and columns of a block."""
STREAMED_BLOCK = (1024, 64)
"""The same where the target is written past the cache: long runs of the source are then read in order. Measured on
4096 × 4096 and 4000 × 4096 of 4 bytes: 5.6 and 2.0 ms, against 7 to 10 and 4.2 to 5.3 ms through the cache."""
STREAMED_BYTES = 16 << 20
"""Targets from this size on are not in the cache anyway when they are read."""
LINE_BYTES = 64
"""A line of the cache: only whole ones are written past it."""


@record
class Plane:
    """A plane, and the other axes with their strides in source and target.

    `steps`: the distances, in words, from a row of the target to the next, and from a column of the source to the next.
    Squares of tiles are moved at once that take whole lines of the cache, here and there: lines whose addresses are
    apart by a large power of two don't stay in the cache for long.
    """

    rows: int
    columns: int
    steps: tuple[int, int]
    others: Nest
    word: Word
    tile: int
    square: int


def write_planes(b: Builder, source: Value, target: Value, nest: Nest, word: Word, wanted: int) -> int:
    """Writes the loops of such a copy (strides of `nest`: source, target); gives the number of tasks."""
    reads, writes = nest.strides
    rows, columns = reads.index(1), len(nest.shape) - 1
    others = [axis for axis in range(len(nest.shape)) if axis not in (rows, columns)]
    least = min(nest.shape[rows], nest.shape[columns])
    tile = tile_size(b.isa, word.size)
    while tile > least:
        tile //= 2
    square = max(tile, LINE_BYTES // word.size)
    while square > least:
        square //= 2
    plane = Plane(
        nest.shape[rows],
        nest.shape[columns],
        (writes[rows], reads[columns]),
        Nest(
            tuple(nest.shape[axis] for axis in others),
            tuple(tuple(steps[axis] for axis in others) for steps in nest.strides),
        ),
        word,
        tile,
        square,
    )
    if not _can_stream(plane, nest.size):
        return _walk(b, plane, source, target, wanted, streaming=False)
    address = b.instruction(f"ptrtoint {target} to i64", "i64")
    aligned = b.compare("eq", b.operate("and", address, b.index(LINE_BYTES - 1)), b.index(0))
    # Both ways have the same tasks only if they have the same blocks: so the better one's are taken.
    with b.when(aligned):
        tasks = _walk(b, plane, source, target, wanted, streaming=True)
        b.statement("fence seq_cst")  # stores past the cache are not in order with others
    with b.when(b.operate("xor", aligned, b.constant("i1", 1))):
        _walk(b, plane, source, target, wanted, streaming=False, block=STREAMED_BLOCK)
    return tasks


def _can_stream(plane: Plane, size: int) -> bool:
    """Whether each tile writes whole lines of the cache, if the target begins with one, and the target is large."""
    steps = (plane.columns, plane.steps[0], *plane.others.strides[1])
    return (
        size * plane.word.size >= STREAMED_BYTES
        and plane.square * plane.word.size == LINE_BYTES
        and plane.tile * plane.word.size >= 16
        and all(step % plane.square == 0 for step in steps)
    )


def _walk(
    b: Builder,
    plane: Plane,
    source: Value,
    target: Value,
    wanted: int,
    *,
    streaming: bool,
    block: tuple[int, int] | None = None,
) -> int:
    """Writes the loops over blocks and tiles; gives the number of tasks."""
    height, width = block or (STREAMED_BLOCK if streaming else BLOCK)
    height = max(height, height * width // plane.columns)
    width = max(width, height * width // plane.rows)
    places = (*plane.others.shape, -(-plane.rows // height), -(-plane.columns // width))
    total = prod(places)
    length, tasks = part(total, wanted)
    first = b.mul(b.task, b.index(length)) if tasks > 1 else b.index(0)
    last = b.minimum(b.add(first, b.index(length)), total) if tasks > 1 else b.index(total)
    element = plane.word.type
    with b.loop(first, last) as place:
        *others, row_block, column_block = unraveled(b, place, places)
        read, write = (
            b.offset(pointer, displacement(b, others, steps), element)
            for pointer, steps in zip((source, target), plane.others.strides, strict=True)
        )
        rows, columns = _range(b, row_block, height, plane.rows), _range(b, column_block, width, plane.columns)

        def move(row: Value, column: Value) -> None:
            # The last square of an axis is moved back to end with it.
            row, column = b.minimum(row, plane.rows - plane.square), b.minimum(column, plane.columns - plane.square)
            with _tiles(b, plane) as down, _tiles(b, plane) as right:
                at = b.add(row, down), b.add(column, right)
                here = b.add(at[0], b.mul(at[1], b.index(plane.steps[1])))
                there = b.add(b.mul(at[0], b.index(plane.steps[0])), at[1])
                _move_tile(
                    b, plane, b.offset(read, here, element), b.offset(write, there, element), streaming=streaming
                )

        if streaming:
            with b.loop(*columns, plane.square) as column, b.loop(*rows, plane.square) as row:
                move(row, column)
        else:
            with b.loop(*rows, plane.square) as row, b.loop(*columns, plane.square) as column:
                move(row, column)
    return tasks


def _range(b: Builder, block: Value, length: int, size: int) -> tuple[Value | int, Value | int]:
    """Where a block of an axis starts and stops."""
    if size <= length:
        return 0, size
    start = b.mul(block, b.index(length))
    return start, b.minimum(b.add(start, b.index(length)), size)


@contextmanager
def _tiles(b: Builder, plane: Plane) -> Iterator[Value]:
    """A loop over where tiles begin along a side of a square."""
    if plane.tile == plane.square:
        yield b.index(0)
        return
    with b.loop(0, plane.square, plane.tile) as start:
        yield start


def _move_tile(b: Builder, plane: Plane, source: Value, target: Value, *, streaming: bool) -> None:
    word, type_ = plane.word, vector(plane.word.type, plane.tile)
    lines = [
        b.load(type_, b.offset(source, number * plane.steps[1], word.type), align=word.align)
        for number in range(plane.tile)
    ]
    align = plane.tile * word.size if streaming else word.align
    for number, line in enumerate(transposed(b, lines)):
        place = b.offset(target, number * plane.steps[0], word.type)
        b.store(line, place, align=align, streaming=streaming)
