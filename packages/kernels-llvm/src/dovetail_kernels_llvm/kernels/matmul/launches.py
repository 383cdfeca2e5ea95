"""From a matrix product to launches."""

from __future__ import annotations

from collections.abc import Callable
from math import prod

from dovetail_protocols.records import replace

from ...codegen.isa import ISA
from ..kernel import Launch, View, traffic
from .axes import merged, transposed
from .description import Matmul, check
from .packing import packing_launch
from .task import write_kernel
from .tiling import BY_LAUNCH, choose_tiling

Allocate = Callable[[str, tuple[int, ...]], View]


def matmul_launches(isa: ISA, description: Matmul, allocate: Allocate) -> list[Launch]:
    """The launches that compute a matrix product and its epilogue, in their order. `allocate(dtype, shape)` gives a
    contiguous temporary buffer."""
    check(description)
    if 0 in (*description.batch, description.m, description.n):
        return []
    d = merged(description)
    if _columns_first(d):
        d = merged(transposed(d))
    tiling = choose_tiling(isa, d)
    launches = []
    if tiling.b == BY_LAUNCH:
        launch, packed = packing_launch(isa, d, tiling, allocate)
        launches.append(launch)
        d = replace(d, b=packed)
    sizes = [*d.batch, d.m, d.k, d.n]
    what = "matmul " + "×".join(map(str, sizes)) + _named(d)
    kernel = write_kernel(isa, d, tiling, what)
    stored = {store.view for store in d.epilogue.stores}
    launches.append(
        Launch(
            kernel,
            (d.a, launches[0].arguments[1] if launches else d.b, *d.views),
            writes=tuple(place + 2 for place, view in enumerate(d.views) if view in stored),
            tasks=tiling.tasks,
            flops=2.0 * prod(sizes),
            bytes=traffic(description.a, description.b, *description.views),
        )
    )
    return launches


def _columns_first(d: Matmul) -> bool:
    """Whether vectors should run along the rows: where all that is stored lies so, or there is but one column."""
    stores = [store.view.strides for store in d.epilogue.stores]
    if d.n == 1:
        return d.m > 1
    return d.m > 1 and all(strides[-1] != 1 and strides[-2] == 1 for strides in stores)


def _named(d: Matmul) -> str:
    operations = [term.operation for term in d.epilogue.terms if term.operands]
    return " + " + ", ".join(operations) if operations else ""
