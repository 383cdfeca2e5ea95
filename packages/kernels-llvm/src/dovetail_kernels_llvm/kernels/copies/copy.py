"""Copies from any strides to any strides."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from math import prod

from dovetail_protocols.records import record, replace

from ...codegen.builder import Builder, Value
from ...codegen.isa import ISA
from ...codegen.types import size_bytes
from ..kernel import Kernel, Launch, View, traffic
from .nests import Nest, as_words, coalesced, cut, displacement, part, spread, task_count, unraveled
from .runs import Word, move_run
from .transposes import tile_size, transpose_tile

SOURCE, TARGET = 0, 1

BLOCK = 64
"""Rows and columns of the blocks in which planes are transposed: source and target stay in the first-level cache."""


@record
class Copy:
    """A copy with its target's axes in falling order of their strides: what a kernel's text is made of."""

    nest: Nest
    word: Word
    tasks: int


def copy_launches(isa: ISA, source: View, target: View) -> list[Launch]:
    """Copies the elements of a view to another of the same shape and dtype.

    source: any strides, 0 where it is broadcast; target: any strides by which no two elements share memory. The two
    don't overlap.
    """
    assert source.shape == target.shape, (source, target)
    if target.size == 0:
        return []
    moved = float(traffic(as_words(source), as_words(target)))
    read, written, nest, word = arranged(as_words(source), as_words(target))
    copy = Copy(nest, word, cut(moved, max(1, nest.size * word.size >> 12)))
    b = Builder(isa)
    tasks = write_copy(b, b.pointer(SOURCE), b.pointer(TARGET), copy)
    what = f"copy {'×'.join(map(str, target.shape))} of {size_bytes(read.dtype)} bytes"
    return [Launch(Kernel(b.text(), what), (read, written), (TARGET,), tasks=tasks, bytes=moved)]


def arranged(source: View, target: View) -> tuple[View, View, Nest, Word]:
    """Views, loops and words of a copy: target strides positive and falling, axes and words as few as can be."""
    axes = sorted(range(len(target.shape)), key=lambda axis: (-abs(target.strides[axis]), axis))
    shape = [target.shape[axis] for axis in axes]
    reads, writes = ([view.strides[axis] for axis in axes] for view in (source, target))
    source_offset, target_offset = source.offset, target.offset
    for axis, size in enumerate(shape):
        if writes[axis] < 0:
            source_offset += (size - 1) * reads[axis]
            target_offset += (size - 1) * writes[axis]
            reads[axis], writes[axis] = -reads[axis], -writes[axis]
    nest = coalesced(shape, reads, writes)
    word = Word(size_bytes(source.dtype), size_bytes(source.dtype))
    return (
        replace(source, offset=source_offset),
        replace(target, offset=target_offset),
        *_widened(nest, word),
    )


def _widened(nest: Nest, word: Word) -> tuple[Nest, Word]:
    """The nest in words of two, four or eight elements, where an inner axis of that size is dense on both sides."""
    reads, writes = nest.strides
    if not nest.shape or (reads[-1], writes[-1]) != (1, 1) or len(nest.shape) == 1:
        return nest, word
    count = nest.shape[-1]
    outer = (*reads[:-1], *writes[:-1])
    if count * word.size not in (2, 4, 8) or any(stride % count for stride in outer):
        return nest, word
    strides = tuple(tuple(stride // count for stride in steps[:-1]) for steps in nest.strides)
    return Nest(nest.shape[:-1], strides), Word(count * word.size, word.align)


def write_copy(b: Builder, source: Value, target: Value, copy: Copy) -> int:
    """Writes the loops of a copy between two addresses; gives the number of tasks."""
    shape, (reads, writes) = copy.nest.shape, copy.nest.strides
    if not shape:
        move_run(b, source, target, 1, (1, 1), copy.word)
        return 1
    if writes[-1] == 1 and reads[-1] not in (0, 1) and 1 in reads:
        return _write_planes(b, source, target, copy)
    steps = (reads[-1], writes[-1])
    if len(shape) == 1:
        return _write_line(b, source, target, copy)
    with spread(b, shape[:-1], copy.tasks) as indices:
        read = b.offset(source, displacement(b, indices, reads[:-1]), copy.word.type)
        write = b.offset(target, displacement(b, indices, writes[:-1]), copy.word.type)
        move_run(b, read, write, shape[-1], steps, copy.word)
    return task_count(shape[:-1], copy.tasks)


def _write_line(b: Builder, source: Value, target: Value, copy: Copy) -> int:
    """A copy along one axis, of which each task has a part."""
    count, steps = copy.nest.shape[0], (copy.nest.strides[SOURCE][0], copy.nest.strides[TARGET][0])
    length, tasks = part(count, copy.tasks, multiple=64)
    if tasks == 1:
        move_run(b, source, target, count, steps, copy.word)
        return 1
    start = b.mul(b.task, b.index(length))
    here = b.minimum(b.sub(b.index(count), start), length)
    read = b.offset(source, b.mul(start, b.index(steps[0])), copy.word.type)
    write = b.offset(target, b.mul(start, b.index(steps[1])), copy.word.type)
    move_run(b, read, write, here, steps, copy.word)
    return tasks


def _write_planes(b: Builder, source: Value, target: Value, copy: Copy) -> int:
    """A copy in which the axis along which the source is contiguous is not the one along which the target is: planes
    of these two axes are transposed in blocks, and these in tiles that fit the registers."""
    shape, (reads, writes) = copy.nest.shape, copy.nest.strides
    columns_axis, rows_axis = len(shape) - 1, reads.index(1)  # rows of the target's plane
    others = [axis for axis in range(len(shape)) if axis not in (rows_axis, columns_axis)]
    rows, columns = shape[rows_axis], shape[columns_axis]
    blocks = (-(-rows // BLOCK), -(-columns // BLOCK))
    places = (*(shape[axis] for axis in others), *blocks)
    total = prod(places)
    length, tasks = part(total, copy.tasks)
    first = b.mul(b.task, b.index(length)) if tasks > 1 else b.index(0)
    last = b.minimum(b.add(first, b.index(length)), total) if tasks > 1 else b.index(total)
    tile = tile_size(b.isa, copy.word.size)
    while tile > min(rows, columns):
        tile //= 2
    with b.loop(first, last) as place:
        *outer, row_block, column_block = unraveled(b, place, places)
        read = b.offset(source, displacement(b, outer, [reads[axis] for axis in others]), copy.word.type)
        write = b.offset(target, displacement(b, outer, [writes[axis] for axis in others]), copy.word.type)
        with _tiles(b, row_block, rows, tile) as row, _tiles(b, column_block, columns, tile) as column:
            steps = (reads[columns_axis], writes[rows_axis])
            here = b.add(row, b.mul(column, b.index(steps[0])))
            there = b.add(b.mul(row, b.index(steps[1])), column)
            transpose_tile(
                b, b.offset(read, here, copy.word.type), b.offset(write, there, copy.word.type), steps, tile, copy.word
            )
    return tasks


@contextmanager
def _tiles(b: Builder, block: Value, size: int, tile: int) -> Iterator[Value]:
    """Loops over where tiles begin in a block of an axis; the last one is moved back to end with the axis."""
    if size <= BLOCK:
        start, stop = b.index(0), b.index(size)
    else:
        start = b.mul(block, b.index(BLOCK))
        stop = b.minimum(b.add(start, b.index(BLOCK)), size)
    with b.loop(start, stop, tile) as index:
        yield b.minimum(index, size - tile)
