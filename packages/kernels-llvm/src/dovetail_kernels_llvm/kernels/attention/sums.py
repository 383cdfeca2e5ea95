"""Sums over the leading axes of gradients: of shares of the work, and of axes over which an operand was broadcast."""

from __future__ import annotations

from contextlib import ExitStack
from math import prod

from dovetail_protocols.records import replace

from ...codegen.builder import Builder, Value
from ...codegen.isa import ISA
from ...codegen.types import COMPUTED, STORED, size_bytes, vector
from ..kernel import Kernel, Launch, View, traffic
from .memory import load_as, store_as
from .problem import Heads, parts_of

ROWS = 64
"""At most as many rows are summed by one task."""


def sum_launches(isa: ISA, parts: View, target: View) -> list[Launch]:
    """The launch that sums a view (…, rows, columns) over the leading axes that `target` lacks or has once only, in
    their order; `target` may have any strides."""
    if target.size == 0:
        return []
    b = Builder(isa)
    lanes = isa.lanes(size_bytes(parts.dtype))
    axes = parts.shape[:-2]
    kept = (1,) * (len(parts.shape) - len(target.shape)) + target.shape[:-2]
    summed = [(size, stride) for size, stride, own in zip(axes, parts.strides, kept, strict=False) if own == 1]
    *_, rows, columns = parts.shape
    blocks = parts_of(rows, ROWS)
    one = View(parts.buffer, parts.dtype, (*kept, rows, columns), parts.strides, parts.offset)
    heads = Heads(b, kept, parts=one, target=target)
    items = b.index(prod(kept))
    heads.enter(b.operate("urem", b.task, items))
    source, destination = heads["parts"], heads["target"]
    first = b.mul(b.operate("udiv", b.task, items), b.index(ROWS))
    with b.loop(first, b.minimum(b.add(first, b.index(ROWS)), rows)) as row:
        vectors = columns - columns % lanes if destination.column == 1 else 0
        for type_, start, stop, step in (
            (vector(COMPUTED[parts.dtype], lanes), 0, vectors, lanes),
            (COMPUTED[parts.dtype], vectors, columns, 1),
        ):
            if start == stop:
                continue
            with b.loop(start, stop, step) as column:
                total = _total(b, type_, parts.dtype, source.at(b, row, column), summed)
                store_as(b, total, target.dtype, destination.at(b, row, column))
    what = f"sum of {'×'.join(map(str, parts.shape))} to {'×'.join(map(str, target.shape))}"
    launch = Launch(
        Kernel(b.text(), what),
        heads.views,
        heads.places("target"),
        tasks=prod(kept) * blocks,
        flops=float(parts.size),
        bytes=traffic(parts, target),
    )
    return [replace(launch, arguments=(parts, target))]


def _total(b: Builder, type_: str, dtype: str, pointer: Value, summed: list[tuple[int, int]]) -> Value:
    """What lies side by side at an address, summed over axes of a size and a stride."""
    total = b.variable(b.constant(type_, 0))
    with ExitStack() as loops:
        place = b.index(0)
        for size, stride in summed:
            place = b.add(place, b.mul(loops.enter_context(b.loop(0, size)), b.index(stride)))
        total.set(b.add(total.get(), load_as(b, type_, dtype, b.offset(pointer, place, STORED[dtype]))))
    return total.get()
