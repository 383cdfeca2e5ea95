"""Elements taken from places that indices name: `take`, `embedding`, `take_along_axis`, `gather_nd`."""

from __future__ import annotations

from dovetail_protocols.records import record

from ...codegen.builder import Builder, Value
from ...codegen.isa import ISA
from ...codegen.types import STORED, size_bytes
from ..copies import zero_launches
from ..copies.nests import Nest, as_words, coalesced, cut, displacement, nested, spread, task_count
from ..copies.runs import Word, move_run
from ..kernel import Kernel, Launch, View, traffic
from .indices import Pointed, nearest, read_index

SOURCE, INDICES, TARGET = 0, 1, 2


@record
class Gather:
    """At each place of `places` (strides of source, indices and target) an index vector is read, and a block of
    elements (strides of source and target) is copied from where it points."""

    places: Nest
    pointed: tuple[Pointed, ...]
    block: Nest
    word: Word
    index_dtype: str
    tasks: int


def take_launches(isa: ISA, source: View, indices: View, target: View, axis: int) -> list[Launch]:
    """`take` along an axis. source: (…before, axis, after…), indices: any shape, target: (…before, indices…, after…);
    any strides."""
    read, written = as_words(source), as_words(target)
    count = len(indices.shape)
    places = coalesced(
        (*read.shape[:axis], *indices.shape),
        (*read.strides[:axis], *[0] * count),
        (*[0] * axis, *indices.strides),
        written.strides[: axis + count],
    )
    pointed = (Pointed(read.shape[axis], read.strides[axis]),)
    return _gathering(isa, "take", (read, indices, written), places, pointed, (axis + 1, axis + count))


def embedding_launches(isa: ISA, table: View, indices: View, target: View) -> list[Launch]:
    """Rows of a table: `take` along its first axis. target: (*indices, *features)."""
    return take_launches(isa, table, indices, target, 0)


def take_along_axis_launches(isa: ISA, source: View, indices: View, target: View, axis: int) -> list[Launch]:
    """`take_along_axis`. All have equally many axes; source and indices are broadcast to the target along those that
    are of size 1, but for `axis` of the source."""
    read, written, ndim = as_words(source), as_words(target), len(indices.shape)
    reads, points = (
        tuple(0 if size == 1 else stride for size, stride in zip(view.shape[:ndim], view.strides[:ndim], strict=True))
        for view in (read, indices)
    )
    places = coalesced(written.shape[:ndim], (*reads[:axis], 0, *reads[axis + 1 :]), points, written.strides[:ndim])
    pointed = (Pointed(read.shape[axis], read.strides[axis]),)
    return _gathering(isa, "take along axis", (read, indices, written), places, pointed, (ndim, ndim))


def gather_nd_launches(isa: ISA, source: View, indices: View, target: View, batch_dims: int = 0) -> list[Launch]:
    """`gather_nd`: the slices of the source at index vectors, which lie along the last axis of the indices."""
    read, written = as_words(source), as_words(target)
    depth, step, count = indices.shape[-1], indices.strides[-1], len(indices.shape) - 1
    places = coalesced(
        indices.shape[:-1],
        (*read.strides[:batch_dims], *[0] * (count - batch_dims)),
        indices.strides[:-1],
        written.strides[:count],
    )
    axes = range(batch_dims, batch_dims + depth)
    pointed = tuple(Pointed(read.shape[axis], read.strides[axis], k * step) for k, axis in enumerate(axes))
    return _gathering(isa, "gather", (read, indices, written), places, pointed, (batch_dims + depth, count))


def _gathering(
    isa: ISA,
    what: str,
    views: tuple[View, View, View],
    places: Nest,
    pointed: tuple[Pointed, ...],
    axes: tuple[int, int],
) -> list[Launch]:
    """The launch, where the block is what axes source and target have from these two on."""
    source, indices, target = views
    if target.size == 0:
        return []
    if any(axis.size == 0 for axis in pointed):
        return zero_launches(isa, target)  # there is nothing to read
    block = coalesced(target.shape[axes[1] :], source.strides[axes[0] :], target.strides[axes[1] :])
    size = size_bytes(source.dtype)
    moved = 2 * traffic(target) + traffic(indices)
    gather = Gather(places, pointed, block, Word(size, size), indices.dtype, cut(moved, max(1, places.size)))
    b = Builder(isa)
    tasks = _write(b, gather)
    label = f"{what} {'×'.join(map(str, target.shape))} of {size} bytes"
    return [Launch(Kernel(b.text(), label), (source, indices, target), (TARGET,), tasks=tasks, bytes=moved)]


def _write(b: Builder, gather: Gather) -> int:
    """Writes the kernel; gives the number of tasks."""
    source, indices, target = b.pointer(SOURCE), b.pointer(INDICES), b.pointer(TARGET)
    reads, points, writes = gather.places.strides
    with spread(b, gather.places.shape, gather.tasks) as at:
        vector = b.offset(indices, displacement(b, at, points), STORED[gather.index_dtype])
        place = displacement(b, at, reads)
        for axis in gather.pointed:
            number = b.offset(vector, axis.step, STORED[gather.index_dtype])
            index = nearest(b, read_index(b, number, gather.index_dtype, axis.size), axis.size)
            place = b.add(place, b.mul(index, b.index(axis.stride)))
        read = b.offset(source, place, gather.word.type)
        write = b.offset(target, displacement(b, at, writes), gather.word.type)
        _move_block(b, read, write, gather)
    return task_count(gather.places.shape, gather.tasks)


def _move_block(b: Builder, read: Value, write: Value, gather: Gather) -> None:
    shape, (reads, writes) = gather.block.shape, gather.block.strides
    if not shape:
        move_run(b, read, write, 1, (1, 1), gather.word)
        return
    with nested(b, shape[:-1]) as inner:
        here = b.offset(read, displacement(b, inner, reads[:-1]), gather.word.type)
        there = b.offset(write, displacement(b, inner, writes[:-1]), gather.word.type)
        move_run(b, here, there, shape[-1], (reads[-1], writes[-1]), gather.word)
