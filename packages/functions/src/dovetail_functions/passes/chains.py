"""Chains of operations that rearrange or convert, made one: reshapes, transposes, broadcasts, casts."""

from __future__ import annotations

from dovetail_protocols import operations as ops
from dovetail_protocols.dtypes import DType
from dovetail_protocols.graph import Node, Value
from dovetail_protocols.operation import Operation
from dovetail_protocols.operations.shape_rules import normalize_axes
from dovetail_protocols.records import replace

from .rewriting import Rewriting, Rule


def _reshape(node: Node, state: Rewriting) -> Value | Node | None:
    """To the shape that x has: x. After another reshape: one of its operand. `copy=True` asks for a buffer of its own,
    and is left."""
    (x,) = node.inputs
    if x is None or node.attributes["copy"]:
        return None
    shape = node.outputs[0].meta.shape
    if x.meta.shape == shape:
        return x
    inner = state.producer(x, ops.reshape)
    if inner is None or inner.attributes["copy"] or inner.inputs[0] is None:
        return None
    if inner.inputs[0].meta.shape == shape:
        return inner.inputs[0]
    return replace(node, inputs=inner.inputs, attributes={**node.attributes, "shape": shape})


def _permute_dims(node: Node, state: Rewriting) -> Value | Node | None:
    """In the order that x has: x. After another transpose: one of its operand."""
    (x,) = node.inputs
    assert x is not None  # the operand isn't optional
    order = _order(node, x)
    if order == tuple(range(len(order))):
        return x
    inner = state.producer(x, ops.permute_dims)
    if inner is None or inner.inputs[0] is None:
        return None
    before = _order(inner, inner.inputs[0])
    both = tuple(before[axis] for axis in order)
    if both == tuple(range(len(both))):
        return inner.inputs[0]
    return replace(node, inputs=inner.inputs, attributes={**node.attributes, "axes": both})


def _order(node: Node, x: Value) -> tuple[int, ...]:
    axes = node.attributes["axes"]
    count = len(x.meta.shape)
    return tuple(range(count))[::-1] if axes is None else normalize_axes("permute_dims", axes, count)


def _matrix_transpose(node: Node, state: Rewriting) -> Value | None:
    inner = state.producer(node.inputs[0], ops.matrix_transpose)
    return None if inner is None else inner.inputs[0]


def _broadcast_to(node: Node, state: Rewriting) -> Value | Node | None:
    """To the shape that x has: x. After another broadcast: one of its operand."""
    (x,) = node.inputs
    if x is not None and x.meta.shape == node.outputs[0].meta.shape:
        return x
    inner = state.producer(x, ops.broadcast_to)
    return None if inner is None else replace(node, inputs=inner.inputs)


def _cast(node: Node, state: Rewriting) -> Value | Node | None:
    """To the dtype that x has: x. After a cast that lost nothing: one of its operand, where the result is the same."""
    (x,) = node.inputs
    target = node.outputs[0].meta.dtype
    if x is not None and x.meta.dtype is target:
        return x
    inner = state.producer(x, ops.cast)
    if inner is None or x is None or inner.inputs[0] is None:
        return None
    first = inner.inputs[0].meta.dtype
    if not holds(x.meta.dtype, first):
        return None
    if first is target:
        return inner.inputs[0]
    all_floating = first.is_floating and target.is_floating
    all_integer = first.is_integer and x.meta.dtype.is_integer and target.is_integer
    return replace(node, inputs=inner.inputs) if holds(target, first) or all_floating or all_integer else None


_MANTISSA_BITS = {"bfloat16": 8, "float16": 11, "float32": 24, "float64": 53}
_EXPONENT_BITS = {"bfloat16": 8, "float16": 5, "float32": 8, "float64": 11}


def holds(wide: DType, narrow: DType) -> bool:
    """Whether a dtype represents every value of another exactly. Complex and float8 are not looked into."""
    if wide is narrow or (narrow.name == "bool" and wide.kind in ("signed", "unsigned", "floating")):
        return True
    if narrow.is_integer:
        bits = 8 * narrow.size_bytes - (narrow.kind == "signed")
        if wide.is_integer:
            enough = 8 * wide.size_bytes - (wide.kind == "signed") >= bits
            return enough and (wide.kind == "signed" or narrow.kind == "unsigned")
        return _MANTISSA_BITS.get(wide.name, 0) >= bits
    if narrow.name in _MANTISSA_BITS and wide.name in _MANTISSA_BITS:
        return (
            _MANTISSA_BITS[wide.name] >= _MANTISSA_BITS[narrow.name]
            and _EXPONENT_BITS[wide.name] >= _EXPONENT_BITS[narrow.name]
        )
    return False


CHAINS: dict[Operation, Rule] = {
    ops.broadcast_to: _broadcast_to,
    ops.cast: _cast,
    ops.matrix_transpose: _matrix_transpose,
    ops.permute_dims: _permute_dims,
    ops.reshape: _reshape,
}
