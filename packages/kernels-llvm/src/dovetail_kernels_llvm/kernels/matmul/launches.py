"""From a matrix product to launches."""

from __future__ import annotations

from math import prod

from ...codegen.isa import ISA
from ..kernel import Kernel, Launch, View, traffic
from .axes import merged, transposed
from .description import Matmul, check
from .dots import cycles_of_dots, suits_dots, write_dots
from .packing import Allocate, packing_launch
from .splitting import split, suits_splitting
from .task import write_kernel
from .tiling import BY_LAUNCH, choose_tiling, cycles_of_tiles


def matmul_launches(isa: ISA, description: Matmul, allocate: Allocate) -> list[Launch]:
    """The launches that compute a matrix product and its epilogue, in their order. `allocate(dtype, shape)` gives a
    contiguous temporary buffer."""
    check(description)
    if 0 in (*description.batch, description.m, description.n):
        return []
    d = merged(description)
    if suits_splitting(d):
        return [launch for part in split(d, allocate) for launch in matmul_launches(isa, part, allocate)]
    other = merged(transposed(d))
    if _cycles(isa, other) < 0.95 * _cycles(isa, d):
        d = other
    what = "matmul " + "×".join(map(str, (*d.batch, d.m, d.k, d.n))) + _named(d)
    if suits_dots(isa, d):
        kernel, tasks = write_dots(isa, d, what)
        return [_launch(d, kernel, (d.a, d.b), tasks)]
    tiling = choose_tiling(isa, d)
    launches, a, b = [], d.a, d.b
    if tiling.a == BY_LAUNCH:
        launch, a = packing_launch(isa, d.a, tiling.a_panels(d.a), allocate)
        launches.append(launch)
    if tiling.b == BY_LAUNCH:
        launch, b = packing_launch(isa, d.b, tiling.b_panels(d.b), allocate)
        launches.append(launch)
    kernel = write_kernel(isa, d, tiling, (a, b), what)
    return [*launches, _launch(d, kernel, (a, b), tiling.tasks)]


def _launch(d: Matmul, kernel: Kernel, operands: tuple[View, View], tasks: int) -> Launch:
    stored = {store.view for store in d.epilogue.stores}
    return Launch(
        kernel,
        (*operands, *d.views),
        writes=tuple(place + 2 for place, view in enumerate(d.views) if view in stored),
        tasks=tasks,
        flops=2.0 * prod((*d.batch, d.m, d.k, d.n)),
        bytes=traffic(d.a, d.b, *d.views),
    )


def _cycles(isa: ISA, d: Matmul) -> float:
    """An estimate of the time of a product as it is written, with what is read and stored in pieces."""
    cycles = cycles_of_dots(isa, d) if suits_dots(isa, d) else cycles_of_tiles(isa, d)
    scattered = sum(view.strides[-1] not in (0, 1) for view in d.views)
    return prod(d.batch) * (cycles + 2.0 * scattered * d.m * d.n)


def _named(d: Matmul) -> str:
    operations = [term.operation for term in d.epilogue.terms if term.operands]
    return " + " + ", ".join(operations) if operations else ""
