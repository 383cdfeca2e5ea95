"""Order along an axis: `sort`, `argsort`. Always stable: equal elements stay in their order, descending too.

Short lines are sorted by counting for each element how many come before it, all in vectors; long ones digit by digit.
"""

from __future__ import annotations

from collections.abc import Callable

from ...codegen.builder import Builder
from ...codegen.isa import ISA
from ...codegen.types import STORED
from ..copies.nests import coalesced, cut, displacement, spread, task_count
from ..kernel import Kernel, Launch, View, traffic
from .digits import digits_bytes, sort_by_digits
from .line import Line
from .ranks import MOST_RANKED, ranks_bytes, sort_by_ranks

SOURCE, TARGET, MEMORY = 0, 1, 2

MOST_SCRATCH_BYTES = 4 << 20
"""Lines that need more memory than this to be sorted get a buffer for it."""
WORK_BYTES = 200
"""Sorting an element takes about as long as moving so many bytes."""

Allocate = Callable[[str, tuple[int, ...]], View]


def sort_launches(
    isa: ISA, source: View, target: View, axis: int, allocate: Allocate, *, descending: bool = False
) -> list[Launch]:
    """`sort`: the elements of each line along an axis in order. NaN counts as greatest. Any strides."""
    return _sorting(isa, "sort", source, target, axis, allocate, descending=descending)


def argsort_launches(
    isa: ISA, source: View, target: View, axis: int, allocate: Allocate, *, descending: bool = False
) -> list[Launch]:
    """`argsort`: for each line along an axis the places of its elements in order. target: int64. Any strides."""
    return _sorting(isa, "argsort", source, target, axis, allocate, descending=descending)


def _sorting(
    isa: ISA, what: str, source: View, target: View, axis: int, allocate: Allocate, *, descending: bool
) -> list[Launch]:
    if target.size == 0:
        return []
    others = [place for place in range(len(source.shape)) if place != axis]
    lines = coalesced(*([of[place] for place in others] for of in (source.shape, source.strides, target.strides)))
    steps = (source.strides[axis], target.strides[axis])
    line = Line(source.dtype, source.shape[axis], steps, descending, places=what == "argsort")
    shape = lines.shape or (1,)
    reads, writes = (strides or (0,) for strides in lines.strides)
    wanted = cut(float(WORK_BYTES * source.size), lines.size)
    tasks = task_count(shape, wanted)
    ranked = line.length <= MOST_RANKED
    size = ranks_bytes(isa, line) if ranked else digits_bytes(line)
    b = Builder(isa)
    arguments: tuple[View, ...] = (source, target)
    memory = b.scratch
    if size > MOST_SCRATCH_BYTES:
        arguments = (*arguments, allocate("uint8", (tasks, size)))
        memory = b.offset(b.pointer(MEMORY), b.mul(b.task, b.index(size)), "i8")
    with spread(b, shape, wanted) as at:
        here = b.offset(b.pointer(SOURCE), displacement(b, at, reads), STORED[source.dtype])
        there = b.offset(b.pointer(TARGET), displacement(b, at, writes), STORED[target.dtype])
        (sort_by_ranks if ranked else sort_by_digits)(b, line, here, there, memory)
    label = f"{what} of {'×'.join(map(str, source.shape))}, axis {axis}"
    kernel = Kernel(b.text(), label, 0 if size > MOST_SCRATCH_BYTES else size)
    written = tuple(range(1, len(arguments)))
    return [Launch(kernel, arguments, written, tasks=tasks, bytes=traffic(source, target))]
