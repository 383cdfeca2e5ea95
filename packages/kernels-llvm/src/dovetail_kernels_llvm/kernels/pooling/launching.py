"""How the work of a pool is cut into tasks, and gone through."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod

from dovetail_protocols.operations.windows import WindowGrid

from ...codegen.builder import Builder, Value
from ...codegen.isa import ISA
from ..convolution.indices import Index, digits, each, plus, times, value
from ..kernel import Kernel, Launch, View, traffic
from .channels import Bundle, each_bundle, is_maskable, lanes_for

TASK_BYTES = 192 << 10
"""About what a task should read and write."""

MOST_TASKS = 32

Bundles = Callable[[Callable[[Bundle], None]], None]
"""Calls a function for all bundles of channels."""

Place = Callable[[Builder, Sequence[Value], Sequence[Index], Bundles], None]
"""Writes what is done at a place (image, *spatial): (b, pointers, place, bundles)."""


def task_count(units: int, traffic_bytes: float) -> int:
    """Into how many tasks so many units of work are cut."""
    return max(min(int(traffic_bytes / TASK_BYTES), units, MOST_TASKS), 1)


def each_unit(b: Builder, sizes: Sequence[int], tasks: int, body: Callable[[Sequence[Index]], None]) -> None:
    """Calls body for the task's share of the places of an array of these sizes, in row-major order."""
    units = prod(sizes)
    start: Index = 0
    stop: Index = units
    if tasks == units:
        start, stop = b.task, plus(b, b.task, 1)
    elif tasks > 1:
        start, stop = (
            b.operate("udiv", value(b, times(b, plus(b, b.task, more), units)), b.index(tasks)) for more in (0, 1)
        )
    with each(b, start, stop) as unit:
        body(digits(b, unit, sizes))


def each_place(b: Builder, sizes: Sequence[int], body: Callable[[list[Index]], None]) -> None:
    """Calls body for all places of an array of these sizes, in row-major order."""

    def along(found: list[Index]) -> None:
        if len(found) == len(sizes):
            body(found)
            return
        with each(b, 0, sizes[len(found)]) as index:
            along([*found, index])

    along([])


def launch_by_place(
    isa: ISA,
    what: str,
    grid: WindowGrid,
    inputs: Sequence[View],
    result: View,
    body: Place,
    places: Sequence[int] | None = None,
) -> list[Launch]:
    """The launch that calls `body` for all places (batch, *spatial), those of the result unless others are named. A
    task has rows."""
    if not result.size:
        return []
    b = Builder(isa)
    views = (*inputs, result)
    pointers = [b.pointer(number) for number in range(len(views))]
    lanes, maskable = lanes_for(b, views), is_maskable(b, views)
    batch, rows, *others = places or result.shape[:-1]
    tasks = task_count(batch * rows, traffic(*views))

    def bundles(use: Callable[[Bundle], None]) -> None:
        each_bundle(b, 0, result.shape[-1], lanes, use, maskable=maskable)

    def row(unit: Sequence[Index]) -> None:
        each_place(b, others, lambda rest: body(b, pointers, (*unit, *rest), bundles))

    each_unit(b, (batch, rows), tasks, row)
    return [Launch(Kernel(b.text(), named(what, grid)), views, (len(views) - 1,), tasks, 0.0, traffic(*views))]


def named(what: str, grid: WindowGrid) -> str:
    """What a kernel does, for readers."""
    return f"{what}, window {'×'.join(map(str, grid.window))}"


def shape_of(view: View) -> str:
    """A view's shape, for readers."""
    return "×".join(map(str, view.shape))
