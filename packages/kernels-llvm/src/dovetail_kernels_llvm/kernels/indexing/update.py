"""Updates of places that indices name: how `scatter`, `put_along_axis` and `embedding_gradient` write.

Updates of one place are made in the order of the indices. So tasks share out axes along which places are apart anyway
(the features of a row, the lines of an array), and each task goes through all the indices: the result is the same to
the bit whoever runs what.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack

from dovetail_protocols.records import record

from ...codegen.builder import Builder, Value
from ...codegen.types import SIGNED, STORED, is_float, size_bytes, vector
from ...elementwise import from_memory, to_memory
from ..copies.nests import displacement, part
from ..copies.runs import Word, in_vectors, move_run
from .indices import Pointed, is_inside, read_index

TARGET, INDICES, UPDATES = 0, 1, 2

UPDATE, ADD, SUBTRACT, MIN, MAX = "update", "add", "subtract", "min", "max"

LEAST_PART = 16
"""Elements along the inner axis that a task has at least: two tasks then seldom write to one cache line."""


@record
class Axis:
    """An axis that is looped over, with the distances of its elements in target, indices and updates. `free`: places
    at different indices along it are different ones."""

    size: int
    target: int
    indices: int
    updates: int
    free: bool


@record
class Update:
    """What is done at each place of the axes (outermost first): an index vector is read, and the update there combined
    with the element that it points to. dtypes: of target, updates and indices; the target's is computed with."""

    axes: tuple[Axis, ...]
    pointed: tuple[Pointed, ...]
    mode: str
    dtype: str
    updates_dtype: str
    index_dtype: str


def merged(axes: Sequence[Axis]) -> tuple[Axis, ...]:
    """The same loops as fewer axes."""
    kept: list[Axis] = []
    for axis in axes:
        if axis.size == 1:
            continue
        last = kept[-1] if kept else None
        if last is not None and last.free == axis.free and _continues(last, axis):
            kept[-1] = Axis(last.size * axis.size, axis.target, axis.indices, axis.updates, axis.free)
        else:
            kept.append(axis)
    return tuple(kept)


def _continues(outer: Axis, inner: Axis) -> bool:
    return (outer.target, outer.indices, outer.updates) == (
        inner.size * inner.target,
        inner.size * inner.indices,
        inner.size * inner.updates,
    )


def write_update(b: Builder, update: Update, wanted: int) -> int:
    """Writes the kernel (arguments: target, indices, updates); gives the number of tasks."""
    bounds, tasks = _bounds(b, update.axes, wanted)
    indexed = max((number + 1 for number, axis in enumerate(update.axes) if axis.indices != 0), default=0)
    outer, block = update.axes[:indexed], update.axes[indexed:]
    element = STORED[update.dtype]
    with ExitStack() as stack:
        at = [stack.enter_context(b.loop(*bound)) for bound in bounds[:indexed]]
        vector_at = b.offset(
            b.pointer(INDICES), displacement(b, at, [axis.indices for axis in outer]), STORED[update.index_dtype]
        )
        inside, place = _pointed(b, update, vector_at)
        stack.enter_context(b.when(inside))
        place = b.add(place, displacement(b, at, [axis.target for axis in outer]))
        read = displacement(b, at, [axis.updates for axis in outer])
        at = [stack.enter_context(b.loop(*bound)) for bound in bounds[indexed:-1]]
        place = b.add(place, displacement(b, at, [axis.target for axis in block[:-1]]))
        read = b.add(read, displacement(b, at, [axis.updates for axis in block[:-1]]))
        target = b.offset(b.pointer(TARGET), place, element)
        updates = b.offset(b.pointer(UPDATES), read, STORED[update.updates_dtype])
        if not block:
            _write_line(b, update, target, updates, 1, (1, 1))
            return tasks
        steps = (block[-1].target, block[-1].updates)
        start, stop = bounds[-1]
        if isinstance(start, Value):
            target = b.offset(target, b.mul(start, b.index(steps[0])), element)
            updates = b.offset(updates, b.mul(start, b.index(steps[1])), STORED[update.updates_dtype])
        _write_line(b, update, target, updates, _count(b, block[-1].size, start, stop, tasks), steps)
    return tasks


def _bounds(b: Builder, axes: Sequence[Axis], wanted: int) -> tuple[list[tuple[Value | int, Value | int]], int]:
    """Where the loop over each axis starts and stops, and the number of tasks, which share out one free axis."""
    bounds: list[tuple[Value | int, Value | int]] = [(0, axis.size) for axis in axes]
    least = [LEAST_PART if number == len(axes) - 1 else 1 for number in range(len(axes))]
    parts = [min(wanted, axis.size // few) if axis.free else 1 for axis, few in zip(axes, least, strict=True)]
    if max(parts, default=1) <= 1:
        return bounds, 1
    shared = parts.index(max(parts))
    size = axes[shared].size
    length, tasks = part(size, parts[shared], multiple=least[shared])
    if tasks > 1:
        start = b.mul(b.task, b.index(length))
        stop = b.add(start, b.index(length))
        bounds[shared] = (start, stop if size % length == 0 else b.minimum(stop, size))
    return bounds, tasks


def _count(b: Builder, size: int, start: Value | int, stop: Value | int, tasks: int) -> Value | int:
    """How many elements a task has along an axis; a constant where all have equally many."""
    if isinstance(start, int) or isinstance(stop, int):
        return size
    return size // tasks if size % tasks == 0 and size // tasks % LEAST_PART == 0 else b.sub(stop, start)


def _pointed(b: Builder, update: Update, vector_at: Value) -> tuple[Value, Value]:
    """Whether an index vector points to an element, and to which place."""
    inside, place = b.constant("i1", 1), b.index(0)
    for axis in update.pointed:
        number = b.offset(vector_at, axis.step, STORED[update.index_dtype])
        index = read_index(b, number, update.index_dtype, axis.size)
        inside = b.operate("and", inside, is_inside(b, index, axis.size))
        place = b.add(place, b.mul(index, b.index(axis.stride)))
    return inside, place


def _write_line(
    b: Builder, update: Update, target: Value, updates: Value, count: Value | int, steps: tuple[int, int]
) -> None:
    """Combines `count` elements with their updates; `steps` are the distances in target and updates."""
    if update.mode == UPDATE:
        size = size_bytes(update.dtype)
        move_run(b, updates, target, count, (steps[1], steps[0]), Word(size, size))
        return
    stored, given = STORED[update.dtype], STORED[update.updates_dtype]
    side_by_side = steps == (1, 1)

    def emit(index: Value, lanes: int) -> None:
        there = b.offset(target, b.mul(index, b.index(steps[0])), stored)
        here = b.offset(updates, b.mul(index, b.index(steps[1])), given)
        old = from_memory(b, update.dtype, b.load(vector(stored, lanes), there))
        new = from_memory(b, update.updates_dtype, b.load(vector(given, lanes), here))
        b.store(to_memory(b, update.dtype, combined(b, update.mode, update.dtype, old, new)), there)

    lanes = b.isa.lanes(max(4, size_bytes(update.dtype))) if side_by_side else 1
    in_vectors(b, count, lanes, emit, twice=False)


def combined(b: Builder, mode: str, dtype: str, old: Value, new: Value) -> Value:
    """An element and its update brought together, in the COMPUTED type of the dtype."""
    if dtype == "bool":
        return b.operate("and" if mode == MIN else "or", old, new)
    if mode == ADD:
        return b.add(old, new)
    if mode == SUBTRACT:
        return b.sub(old, new)
    if is_float(old.type):
        return b.intrinsic("llvm.minimum" if mode == MIN else "llvm.maximum", old.type, old, new)
    sign = "s" if dtype in SIGNED else "u"
    return b.intrinsic(f"llvm.{sign}{mode}", old.type, old, new)
