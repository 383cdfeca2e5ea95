"""The launch that copies an operand in panels, for all tasks of the product to read."""

from __future__ import annotations

from collections.abc import Callable
from math import prod

from dovetail_protocols.records import replace

from ...codegen.builder import Builder
from ...codegen.isa import ISA
from ...codegen.types import STORED
from ..kernel import Kernel, Launch, View, c_strides, traffic
from .copying import Panels, copy_panels
from .numbers import at, minus, places
from .parts import Parts, parts_of

Allocate = Callable[[str, tuple[int, ...]], View]

TASK_ELEMENTS = 1 << 16
"""How many elements a task copies, about."""


def packing_launch(isa: ISA, operand: View, panels: Panels, allocate: Allocate) -> tuple[Launch, View]:
    """A launch that copies an operand, and the copy: of shape (*batch, 1, panels · elements of a panel), with stride 0
    along batch axes over which the operand is broadcast."""
    batch = operand.shape[:-2]
    sizes = tuple(size if stride else 1 for size, stride in zip(batch, operand.strides[:-2], strict=True))
    length = panels.cut.count * panels.elements
    copy = allocate(_dtype(panels.element), (*sizes, 1, length))
    blocks = _blocks(panels)
    kernel = Kernel(_write(isa, operand, panels, sizes, blocks), f"packing {panels.depth}×{panels.cut.count}")
    launch = Launch(
        kernel, (operand, copy), writes=(1,), tasks=prod(sizes) * blocks.count, bytes=traffic(operand, copy)
    )
    strides = tuple(stride if size > 1 else 0 for size, stride in zip(copy.shape[:-2], copy.strides[:-2], strict=True))
    return launch, replace(copy, shape=(*batch, 1, length), strides=(*strides, length, 1))


def _blocks(panels: Panels) -> Parts:
    """What tasks copy: some rows of K of every panel, or, where it is K that is contiguous, whole panels."""
    if panels.is_transposed:
        return parts_of(panels.cut.count, max(1, TASK_ELEMENTS // panels.elements))
    return parts_of(panels.depth, max(1, TASK_ELEMENTS // (panels.cut.count * panels.width)))


def _write(isa: ISA, operand: View, panels: Panels, sizes: tuple[int, ...], blocks: Parts) -> str:
    b = Builder(isa)
    source, target = b.pointer(0), b.pointer(1)
    *axes, part = places(b, b.task, (*sizes, blocks.count))
    start, stop = blocks.bounds(b, part)
    steps = c_strides((*sizes, panels.cut.count * panels.elements))[:-1]
    source = at(b, source, STORED[operand.dtype], *zip(axes, operand.strides[:-2], strict=True))
    target = at(b, target, panels.element, *zip(axes, steps, strict=True))
    if panels.is_transposed:
        target = at(b, target, panels.element, (start, panels.elements))
        copy_panels(b, panels, source, target, start, stop, panels.depth)
    else:
        source = at(b, source, STORED[operand.dtype], (start, panels.strides[0]))
        target = at(b, target, panels.element, (start, panels.width))
        copy_panels(b, panels, source, target, 0, panels.cut.count, minus(b, stop, start))
    return b.text()


def _dtype(element: str) -> str:
    """A dtype whose elements lie in memory as they are computed."""
    return next(dtype for dtype in ("float32", "float64", "int32", "int64") if STORED[dtype] == element)
