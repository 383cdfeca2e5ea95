"""The operations with kernels of their own, by name: what each takes, and its launches."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from dovetail_protocols.records import record

from ..codegen.isa import ISA
from ..kernels.cluster import Cluster
from ..kernels.kernel import Launch, View
from .ops import Op

Allocate = Callable[[str, tuple[int, ...]], View]
Problem = Callable[[Op], str | None]


@record
class Macro:
    """An operation with kernels of its own.

    `problem` says why it doesn't take a call, or None. `launches(isa, op, inputs, outputs, allocate)`: views of its
    operands (None where left out) and results. `flexible`: whether results may be written with any strides.
    """

    launches: Callable[[ISA, Op, Sequence[View | None], Sequence[View], Allocate], list[Launch]]
    problem: Problem = lambda op: None
    flexible: bool = False


@record
class Product:
    """An operation whose result elementwise operations can follow in the same kernel. `launches(isa, op, inputs,
    epilogue, allocate)`."""

    launches: Callable[[ISA, Op, Sequence[View], Cluster, Allocate], list[Launch]]
    problem: Problem = lambda op: None


def _no_bool(op: Op) -> str | None:
    return "has no product of bools" if op.outputs[0].dtype == "bool" else None


def _matmul(isa: ISA, op: Op, inputs: Sequence[View], epilogue: Cluster, allocate: Allocate) -> list[Launch]:
    from ..kernels.matmul import Matmul, matmul_launches

    return matmul_launches(isa, Matmul(inputs[0], inputs[1], epilogue), allocate)


PRODUCTS: Mapping[str, Product] = {"matmul": Product(_matmul, _no_bool)}
MACROS: dict[str, Macro | Product] = {**PRODUCTS}


def has_epilogue(op: Op) -> bool:
    """Whether an operation is one of PRODUCTS."""
    return op.name in PRODUCTS
