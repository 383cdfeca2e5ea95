"""Copies from any strides to any strides."""

from __future__ import annotations

from dovetail_protocols.records import record

from ...codegen.builder import Builder, Value
from ...codegen.isa import ISA
from ...codegen.types import size_bytes
from ..kernel import Kernel, Launch, View, traffic
from .nests import Nest, as_words, coalesced, cut, displacement, part, spread, task_count
from .planes import write_planes
from .runs import Word, move_run

SOURCE, TARGET = 0, 1


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
    word = Word(size_bytes(source.dtype), size_bytes(source.dtype))
    return (
        View(source.buffer, source.dtype, tuple(shape), tuple(reads), source_offset),
        View(target.buffer, target.dtype, tuple(shape), tuple(writes), target_offset),
        *_widened(coalesced(shape, reads, writes), word),
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
        return write_planes(b, source, target, copy.nest, copy.word, copy.tasks)
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
