"""Loops over the elements of several arrays at once: fewer axes where memory allows, cut into tasks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from math import ceil, prod

from dovetail_protocols.records import record

from ...codegen.builder import Builder, Value
from ...codegen.types import size_bytes
from ..kernel import View

SMALL_BYTES = 1 << 20
"""Work that moves less than this is one task: it takes about as long as waking a thread."""
TASK_BYTES = 1 << 20
MOST_TASKS = 32

_WORDS = {"complex64": ("uint64", 1), "complex128": ("uint64", 2)}
_BY_SIZE = {1: "uint8", 2: "uint16", 4: "uint32", 8: "uint64"}


@record
class Nest:
    """Axes of several arrays that are walked together: `strides[k]` are those of array k, in its elements."""

    shape: tuple[int, ...]
    strides: tuple[tuple[int, ...], ...]

    @property
    def size(self) -> int:
        return prod(self.shape)


def as_words(view: View) -> View:
    """A view of the same memory as unsigned whole numbers of the elements' size, for those who only move them. A
    complex128 is two numbers, along an axis of its own after the others."""
    if view.dtype not in _WORDS:
        return View(view.buffer, _BY_SIZE[size_bytes(view.dtype)], view.shape, view.strides, view.offset)
    dtype, count = _WORDS[view.dtype]
    if count == 1:
        return View(view.buffer, dtype, view.shape, view.strides, view.offset)
    strides = (*(count * stride for stride in view.strides), 1)
    return View(view.buffer, dtype, (*view.shape, count), strides, count * view.offset)


def coalesced(shape: Sequence[int], *strides: Sequence[int]) -> Nest:
    """The same elements in the same order in as few axes as the strides allow; axes of size 1 vanish."""
    axes: list[tuple[int, tuple[int, ...]]] = []
    for size, *steps in zip(shape, *strides, strict=True):
        if size == 1:
            continue
        if axes and all(outer == size * inner for outer, inner in zip(axes[-1][1], steps, strict=True)):
            axes[-1] = (axes[-1][0] * size, tuple(steps))
        else:
            axes.append((size, tuple(steps)))
    return Nest(
        tuple(size for size, _ in axes),
        tuple(tuple(steps[array] for _, steps in axes) for array in range(len(strides))),
    )


def cut(size_bytes_moved: float, places: int) -> int:
    """How many tasks work over so many places is cut into."""
    if size_bytes_moved < SMALL_BYTES:
        return 1
    return max(1, min(shares(size_bytes_moved / TASK_BYTES), places))


def shares(work: float) -> int:
    """How many tasks take work of so many tasks' size: a number that two threads, or four, share evenly."""
    count = min(ceil(work), MOST_TASKS)
    return count if count <= 2 else -(-count // 4) * 4


def part(total: int, tasks: int, *, multiple: int = 1) -> tuple[int, int]:
    """Of a range that is cut into tasks: the length of each (a multiple of some number), and how many there are."""
    length = -(-total // max(tasks, 1))
    length = -(-length // multiple) * multiple
    return length, max(1, -(-total // max(length, 1)))


@contextmanager
def nested(b: Builder, shape: Sequence[int]) -> Iterator[tuple[Value, ...]]:
    """Loops over all places of a shape, the last axis innermost; gives the index along each axis."""
    with ExitStack() as stack:
        yield tuple(stack.enter_context(b.loop(0, size)) if size != 1 else b.index(0) for size in shape)


def task_count(shape: Sequence[int], tasks: int) -> int:
    """How many tasks `spread` cuts the places of a shape into, at most as many as wanted."""
    return part(prod(shape[: _leading(shape, tasks)]), tasks)[1]


@contextmanager
def spread(b: Builder, shape: Sequence[int], tasks: int) -> Iterator[tuple[Value, ...]]:
    """Loops over those places of a shape that are the task's; gives the index along each axis.

    `tasks` is what was wanted; `task_count` says how many there are.
    """
    leading = _leading(shape, tasks)
    if leading == 0:
        with nested(b, shape) as indices:
            yield indices
        return
    total = prod(shape[:leading])
    length, _ = part(total, tasks)
    start = b.mul(b.task, b.index(length))
    stop = b.minimum(b.add(start, b.index(length)), total)
    with b.loop(start, stop) as place, nested(b, shape[leading:]) as inner:
        yield (*unraveled(b, place, shape[:leading]), *inner)


def unraveled(b: Builder, place: Value, shape: Sequence[int]) -> tuple[Value, ...]:
    """The index along each axis of a place in C order."""
    indices: list[Value] = []
    for size in reversed(shape[1:]):
        indices.append(b.operate("urem", place, b.index(size)))
        place = b.operate("udiv", place, b.index(size))
    indices.append(place)
    return tuple(reversed(indices))


def _leading(shape: Sequence[int], tasks: int) -> int:
    """How many of the first axes are walked as one, so that there are enough places for even tasks."""
    leading = 0
    while tasks > 1 and leading < len(shape) and prod(shape[:leading]) < 4 * tasks:
        leading += 1
    return leading


def displacement(b: Builder, indices: Sequence[Value], strides: Sequence[int]) -> Value:
    """The sum of indices times strides, in elements."""
    terms = [b.mul(index, b.index(stride)) for index, stride in zip(indices, strides, strict=True) if stride != 0]
    total = b.index(0)
    for term in terms:
        total = b.add(total, term)
    return total
