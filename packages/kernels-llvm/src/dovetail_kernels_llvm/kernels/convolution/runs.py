"""Runs of neighboring elements: loops of whole vectors and their tails, copies with conversion, zeros."""

from __future__ import annotations

from collections.abc import Callable

from ...codegen.builder import Builder, Value
from ...codegen.types import COMPUTED, SIZES, STORED, vector
from ...elementwise import from_memory
from .indices import Index, each, minus, value

Body = Callable[[Index, int, Value | None], None]


def each_vector(b: Builder, count: Index, lanes: int, body: Body, *, maskable: bool) -> None:
    """Calls body(first element, lanes, mask) for a run's vectors: whole ones, then the rest, under a mask where the
    instruction set has some for these elements (`maskable`), else one by one."""
    whole: Index = count // lanes * lanes if isinstance(count, int) else b.operate("and", count, b.index(-lanes))
    if not (isinstance(whole, int) and whole == 0):
        with each(b, 0, whole, lanes) as start:
            body(start, lanes, None)
    if isinstance(count, int) and count == whole:
        return
    if maskable and lanes > 1:
        rest = value(b, minus(b, count, whole))
        if isinstance(count, int):
            body(whole, lanes, b.tail_mask(rest, lanes))
        else:
            with b.when(b.compare("sgt", rest, b.index(0))):
                body(whole, lanes, b.tail_mask(rest, lanes))
    else:
        with each(b, whole, count) as start:
            body(start, 1, None)


def is_maskable(b: Builder, dtype: str) -> bool:
    """Whether elements of a dtype can be loaded and stored under a mask in hardware."""
    return b.isa.masked and SIZES[STORED[dtype]] in (4, 8)


def load_run(b: Builder, dtype: str, source: Value, stride: int, index: Index, lanes: int, mask: Value | None) -> Value:
    """Elements in their COMPUTED type, from place `index` of a run with a stride on."""
    place = b.offset(source, index, STORED[dtype]) if stride == 1 else _strided(b, dtype, source, stride, index)
    type_ = vector(STORED[dtype], lanes)
    stored = b.load(type_, place) if mask is None else b.masked_load(type_, place, mask)
    return from_memory(b, dtype, stored)


def _strided(b: Builder, dtype: str, source: Value, stride: int, index: Index) -> Value:
    if isinstance(index, int):
        return b.offset(source, index * stride, STORED[dtype])
    return b.offset(source, b.mul(index, b.index(stride)), STORED[dtype])


def copy_run(b: Builder, dtype: str, source: Value, stride: int, target: Value, count: Index) -> None:
    """Copies a run of elements to neighboring elements of the COMPUTED type."""
    computed = COMPUTED[dtype]
    lanes = b.isa.lanes(SIZES[computed]) if stride == 1 else 1

    def body(index: Index, lanes: int, mask: Value | None) -> None:
        read = load_run(b, dtype, source, stride, index, lanes, mask)
        place = b.offset(target, index, computed)
        if mask is None:
            b.store(read, place)
        else:
            b.masked_store(read, place, mask)

    each_vector(b, count, lanes, body, maskable=is_maskable(b, dtype))


def zero_run(b: Builder, element: str, target: Value, count: Index) -> None:
    """Zeros in neighboring elements."""
    lanes = b.isa.lanes(SIZES[element])

    def body(index: Index, lanes: int, mask: Value | None) -> None:
        zero = b.constant(vector(element, lanes), 0)
        place = b.offset(target, index, element)
        if mask is None:
            b.store(zero, place)
        else:
            b.masked_store(zero, place, mask)

    each_vector(b, count, lanes, body, maskable=b.isa.masked)
