"""Sums of parts in a fixed order, in the result's layout and dtype."""

from __future__ import annotations

from math import prod

from ...codegen.builder import Builder, Value
from ...codegen.isa import ISA
from ...codegen.types import COMPUTED, SIZES, STORED, vector
from ...elementwise import to_memory
from ..kernel import Kernel, Launch, View, c_strides, traffic
from .indices import Index, digits, each, least, plus, times, weighted
from .runs import each_vector, is_maskable

TASK_ELEMENTS = 1 << 15
"""About how many elements a task reads."""


def combine(isa: ISA, parts: View | None, result: View) -> Launch:
    """The launch that gives the sum of `parts`, (number, *result.shape), contiguous; without parts, zeros."""
    b = Builder(isa)
    number = parts.shape[0] if parts is not None else 0
    rows, columns, strides = _rows(result)
    each_task = max(TASK_ELEMENTS // max(columns * max(number, 1), 1), 1)
    tasks = -(-prod(rows) // each_task)
    source, target = (b.pointer(0), b.pointer(1)) if parts is not None else (b.pointer(0), b.pointer(0))
    element, stored = COMPUTED[result.dtype], STORED[result.dtype]
    maskable = is_maskable(b, result.dtype)
    start = times(b, b.task, each_task) if tasks > 1 else 0
    with each(b, start, least(b, prod(rows), plus(b, start, each_task))) as row:
        there = b.offset(target, weighted(b, digits(b, row, rows), strides[:-1]), stored)
        here = b.offset(source, times(b, row, columns), element)

        def body(index: Index, lanes: int, mask: Value | None, here: Value = here, there: Value = there) -> None:
            type_ = vector(element, lanes)
            total = b.variable(b.constant(type_, 0))
            with each(b, 0, number) if number else each(b, 0, 0) as part:
                place = b.offset(here, plus(b, index, times(b, part, result.size)), element)
                read = b.load(type_, place) if mask is None else b.masked_load(type_, place, mask)
                total.set(b.add(total.get(), read))
            place = b.offset(there, times(b, index, strides[-1]), stored)
            if mask is None:
                b.store(to_memory(b, result.dtype, total.get()), place)
            else:
                b.masked_store(to_memory(b, result.dtype, total.get()), place, mask)

        each_vector(b, columns, isa.lanes(SIZES[element]) if strides[-1] == 1 else 1, body, maskable=maskable)
    what = f"sum of {number} parts of {'×'.join(map(str, result.shape))}"
    arguments = (result,) if parts is None else (parts, result)
    return Launch(
        Kernel(b.text(), what),
        arguments,
        (len(arguments) - 1,),
        tasks,
        float(number * result.size),
        traffic(*arguments),
    )


def _rows(result: View) -> tuple[tuple[int, ...], int, tuple[int, ...]]:
    """The result as rows of columns, with its strides; axes are joined where columns would be few."""
    rows, columns, strides = list(result.shape[:-1]), result.shape[-1], list(result.strides)
    while rows and columns < 256 and result.is_contiguous:
        columns *= rows.pop()
        strides = list(c_strides((*rows, columns)))
    return tuple(rows), columns, tuple(strides)
