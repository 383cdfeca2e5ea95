"""Operations that give what they are given: x·1, x + 0 for integers, −−x, and the like.

Floating zeros have signs: x + 0.0 turns −0.0 into 0.0 and stays; x + (−0.0) and x − 0.0 give x for every x. Complex
numbers are left alone, because a product of theirs mixes parts.
"""

from __future__ import annotations

import math

from dovetail_protocols import operations as ops
from dovetail_protocols.graph import Node, Value
from dovetail_protocols.operation import Operation

from .rewriting import Rewriting, Rule


def _multiply(node: Node, state: Rewriting) -> Value | None:
    first, second = node.inputs
    if _is_number(node, state, second, 1):
        return _same(node, first)
    return _same(node, second) if _is_number(node, state, first, 1) else None


def _divide(node: Node, state: Rewriting) -> Value | None:
    return _same(node, node.inputs[0]) if _is_number(node, state, node.inputs[1], 1) else None


def _add(node: Node, state: Rewriting) -> Value | None:
    first, second = node.inputs
    if _is_zero(node, state, second, negative=True):
        return _same(node, first)
    return _same(node, second) if _is_zero(node, state, first, negative=True) else None


def _subtract(node: Node, state: Rewriting) -> Value | None:
    return _same(node, node.inputs[0]) if _is_zero(node, state, node.inputs[1], negative=False) else None


def _negative(node: Node, state: Rewriting) -> Value | None:
    inner = state.producer(node.inputs[0], ops.negative)
    return None if inner is None else inner.inputs[0]


def _operand(node: Node, state: Rewriting) -> Value | None:
    return node.inputs[0]


def _is_number(node: Node, state: Rewriting, value: Value | None, number: int) -> bool:
    """Whether an operand is a 0-d constant of that value, and not complex."""
    array = state.constant(value)
    if array is None or array.shape != () or not (array.dtype.is_floating or array.dtype.is_integer):
        return False
    return float(array) == number  # type: ignore[arg-type] # arrays convert, where they are of one element


def _is_zero(node: Node, state: Rewriting, value: Value | None, *, negative: bool) -> bool:
    """Whether an operand is a constant zero; a floating one of that sign."""
    array = state.constant(value)
    if array is None or not _is_number(node, state, value, 0):
        return False
    return array.dtype.is_integer or (math.copysign(1.0, float(array)) < 0) == negative  # type: ignore[arg-type] # as above


def _same(node: Node, value: Value | None) -> Value | None:
    """The operand, if it is just like the result."""
    return value if value is not None and value.meta == node.outputs[0].meta else None


IDENTITIES: dict[Operation, Rule] = {
    ops.add: _add,
    ops.divide: _divide,
    ops.multiply: _multiply,
    ops.negative: _negative,
    ops.positive: _operand,
    ops.stop_gradient: _operand,
    ops.subtract: _subtract,
}
