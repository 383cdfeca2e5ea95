"""The launch that copies B into panels, for all tasks of the product to read."""

from __future__ import annotations

from collections.abc import Callable
from math import prod

from dovetail_protocols.records import replace

from ...codegen.builder import Builder
from ...codegen.isa import ISA
from ...codegen.types import STORED
from ..kernel import Kernel, Launch, View, c_strides, traffic
from .copying import copy_panel
from .description import Matmul
from .numbers import Number, at, each, places, smaller, when_equal
from .parts import Parts, parts_of
from .tiling import Tiling

TASK_ELEMENTS = 1 << 16
"""How many elements a task copies, about."""


def packing_launch(
    isa: ISA, d: Matmul, t: Tiling, allocate: Callable[[str, tuple[int, ...]], View]
) -> tuple[Launch, View]:
    """A launch that copies B into the panels of a tiling, (*batch, panels, K, width), in the product's element type; and
    a view of the first panel. Batch axes over which B is broadcast stay so."""
    sizes = tuple(size if stride else 1 for size, stride in zip(d.batch, d.b.strides[:-2], strict=True))
    copy = allocate(_dtype(t.element), (*sizes, t.all_panels, t.padded(d.k), t.width))
    panels = parts_of(t.all_panels, max(1, TASK_ELEMENTS // (t.padded(d.k) * t.width)))
    kernel = Kernel(_write(isa, d, t, sizes, panels), f"packing of {d.k}×{d.n}")
    launch = Launch(kernel, (d.b, copy), writes=(1,), tasks=prod(sizes) * panels.count, bytes=traffic(d.b, copy))
    outer = tuple(0 if size == 1 else stride for size, stride in zip(sizes, copy.strides, strict=False))
    return launch, replace(d.b, buffer=copy.buffer, dtype=copy.dtype, strides=(*outer, t.width, 1), offset=copy.offset)


def _write(isa: ISA, d: Matmul, t: Tiling, sizes: tuple[int, ...], panels: Parts) -> str:
    b = Builder(isa)
    source, target = b.pointer(0), b.pointer(1)
    *axes, part = places(b, b.task, (*sizes, panels.count))
    down, along = d.b.strides[-2:]
    size = t.padded(d.k) * t.width
    steps = c_strides((*sizes, t.all_panels * size))[:-1]
    source = at(b, source, STORED[d.b.dtype], *zip(axes, d.b.strides[:-2], strict=True))
    target = at(b, target, t.element, *zip(axes, steps, strict=True))

    def copy(panel: Number, columns: int) -> None:
        copy_panel(
            b,
            d.b.dtype,
            at(b, source, STORED[d.b.dtype], (panel, t.width * along)),
            (down, along),
            at(b, target, t.element, (panel, size)),
            t.element,
            depth=d.k,
            columns=columns,
            width=t.width,
            lanes=t.lanes,
        )

    first, last = panels.bounds(b, part)
    with each(b, first, smaller(b, last, t.panels)) as panel:
        copy(panel, t.width)
    if t.tail_vectors:
        with when_equal(b, last, t.all_panels):
            copy(t.panels, d.n - t.panels * t.width)
    return b.text()


def _dtype(element: str) -> str:
    """A dtype whose elements lie in memory as they are computed."""
    return next(
        dtype for dtype in ("float32", "float64", "int8", "int16", "int32", "int64") if STORED[dtype] == element
    )
