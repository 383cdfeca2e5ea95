"""What the planner does with each operation, and why it can't with some."""

from __future__ import annotations

from ..elementwise import supports
from ..kernels.cluster import REDUCTIONS
from .macros import MACROS
from .ops import Op
from .views import VIEWS

CONTROL_FLOW = frozenset({"cond", "while_loop", "scan"})
JOINS = frozenset({"concat", "pad_constant", "scatter_slice"})
"""Operations that put arrays side by side into a larger one."""

LEAVES = frozenset({"full", "arange", "eye", "linspace"})
"""Operations without operands: their results are known when a graph is compiled."""

LARGEST_LEAF = 1 << 20
"""Elements of a leaf other than `full` that are kept as a constant."""


def is_elementwise(op: Op) -> bool:
    """Whether an operation computes each element from the elements at its place."""
    if len(op.outputs) != 1 or any(value is None for value in op.inputs) or not op.inputs:
        return False
    return supports(op.name, [value.dtype for value in op.given], op.outputs[0].dtype)


def is_reduction(op: Op) -> bool:
    return op.name in REDUCTIONS


def problem(op: Op) -> str | None:
    """Why there is no kernel for an operation, or None."""
    if op.name in VIEWS or op.name in JOINS or op.name in CONTROL_FLOW:
        return None
    if op.name in LEAVES:
        large = op.name != "full" and op.outputs[0].size > LARGEST_LEAF
        return f"keeps constants of {LARGEST_LEAF} elements at most" if large else None
    if is_reduction(op):
        return None
    if op.name in MACROS:
        return MACROS[op.name].problem(op)
    if is_elementwise(op):
        return None
    return "has no code for it" if not op.given else f"has no code for it on {', '.join(v.dtype for v in op.given)}"
