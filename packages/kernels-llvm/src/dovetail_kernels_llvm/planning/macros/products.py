"""Matrix products."""

from __future__ import annotations

from collections.abc import Sequence

from ...codegen.isa import ISA
from ...kernels.cluster import Cluster
from ...kernels.kernel import Launch, View
from ..ops import Op
from ..views import broadcast
from .macro import Allocate, Product


def _no_bool(op: Op) -> str | None:
    return "has no product of bools" if op.outputs[0].dtype == "bool" else None


def _matmul(isa: ISA, op: Op, inputs: Sequence[View], epilogue: Cluster, allocate: Allocate) -> list[Launch]:
    from ...kernels.matmul import Matmul, matmul_launches

    batch = op.outputs[0].shape[:-2]
    first, second = (broadcast(view, (*batch, *view.shape[-2:])) for view in inputs)
    return matmul_launches(isa, Matmul(first, second, epilogue), allocate)


MATRIX_PRODUCTS = {"matmul": Product(_matmul, _no_bool)}
