"""Forward operations that keep for their gradients what these would have to compute again."""

from __future__ import annotations

from .macros.attention import OPERANDS
from .ops import Body, Op

FORWARD, GRADIENT = "scaled_dot_product_attention", "scaled_dot_product_attention_gradient"


def connect_attention(body: Body) -> None:
    """Gives each gradient of an attention the results of that attention, and the statistics of its softmax, where the
    same body computes both."""
    forward: dict[object, int] = {}
    for place, op in enumerate(body.ops):
        if op.name == FORWARD:
            forward.setdefault(_key(op, 0), place)
        elif op.name == GRADIENT and len(op.inputs) == OPERANDS + 1:
            known = forward.get(_key(op, 1))
            if known is None:
                continue
            attention = body.ops[known]
            if len(attention.outputs) == 1:
                result = attention.outputs[0]
                dtype = "float64" if any(value.dtype == "float64" for value in attention.given[:3]) else "float32"
                statistics = body.new((*result.shape[:-1], 2), dtype)
                attention = Op(
                    attention.name,
                    attention.inputs,
                    (result, statistics),
                    attention.attributes,
                    attention.source,
                )
                body.ops[known] = attention
            body.ops[place] = Op(op.name, (*op.inputs, *attention.outputs), op.outputs, op.attributes, op.source)


def _key(op: Op, first: int) -> object:
    numbers = tuple(None if value is None else value.number for value in op.inputs[first : first + OPERANDS])
    return numbers, op.attributes["scale"], op.attributes["is_causal"]
