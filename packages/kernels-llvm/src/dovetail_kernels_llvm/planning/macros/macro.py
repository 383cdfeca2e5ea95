"""What the planner knows of an operation with kernels of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from dovetail_protocols.records import record

from ...codegen.isa import ISA
from ...codegen.types import FLOATING
from ...kernels.cluster import Cluster
from ...kernels.kernel import Launch, View
from ..ops import Op

Allocate: TypeAlias = Callable[[str, tuple[int, ...]], View]
Problem: TypeAlias = Callable[[Op], "str | None"]


def no_problem(op: Op) -> str | None:
    """Takes every call."""
    return None


def floating_only(op: Op) -> str | None:
    """Takes floating-point arrays only."""
    return None if op.outputs[0].dtype in FLOATING else f"has no code for it on {op.outputs[0].dtype}"


@record
class Macro:
    """An operation with kernels of its own.

    `launches(isa, op, inputs, outputs, allocate)` gets the views of its operands (None where one is left out) and
    results. `problem` says why it doesn't take a call, or None. `flexible`: whether results may be written with any
    strides.
    """

    launches: Callable[[ISA, Op, Sequence[View | None], Sequence[View], Allocate], list[Launch]]
    problem: Problem = no_problem
    flexible: bool = True


@record
class Product:
    """An operation whose result elementwise operations can follow in the same kernel: `launches(isa, op, inputs,
    epilogue, allocate)`."""

    launches: Callable[[ISA, Op, Sequence[View], Cluster, Allocate], list[Launch]]
    problem: Problem = no_problem


def given(view: View | None) -> View:
    """An operand that is never left out."""
    assert view is not None
    return view
