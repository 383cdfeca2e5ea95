"""From a matrix product to launches."""

from __future__ import annotations

from math import prod

from ...codegen.isa import ISA
from ..kernel import Launch, traffic
from .axes import merged, transposed
from .description import Matmul, check
from .packing import Allocate, packing_launch
from .task import write_kernel
from .tiling import BY_LAUNCH, choose_tiling, cycles_of


def matmul_launches(isa: ISA, description: Matmul, allocate: Allocate) -> list[Launch]:
    """The launches that compute a matrix product and its epilogue, in their order. `allocate(dtype, shape)` gives a
    contiguous temporary buffer."""
    check(description)
    if 0 in (*description.batch, description.m, description.n):
        return []
    d = _oriented(isa, merged(description))
    tiling = choose_tiling(isa, d)
    launches, a, b = [], d.a, d.b
    if tiling.a == BY_LAUNCH:
        launch, a = packing_launch(isa, d.a, tiling.a_panels(d.a), allocate)
        launches.append(launch)
    if tiling.b == BY_LAUNCH:
        launch, b = packing_launch(isa, d.b, tiling.b_panels(d.b), allocate)
        launches.append(launch)
    sizes = [*d.batch, d.m, d.k, d.n]
    kernel = write_kernel(isa, d, tiling, (a, b), "matmul " + "×".join(map(str, sizes)) + _named(d))
    stored = {store.view for store in d.epilogue.stores}
    launches.append(
        Launch(
            kernel,
            (a, b, *d.views),
            writes=tuple(place + 2 for place, view in enumerate(d.views) if view in stored),
            tasks=tiling.tasks,
            flops=2.0 * prod(sizes),
            bytes=traffic(description.a, description.b, *description.views),
        )
    )
    return launches


def _oriented(isa: ISA, d: Matmul) -> Matmul:
    """The product, or its transpose where that takes less time."""
    other = merged(transposed(d))
    return other if cycles_of(isa, other) < 0.95 * cycles_of(isa, d) else d


def _named(d: Matmul) -> str:
    operations = [term.operation for term in d.epilogue.terms if term.operands]
    return " + " + ", ".join(operations) if operations else ""
