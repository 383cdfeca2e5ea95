"""Attention and its gradient."""

from __future__ import annotations

from collections.abc import Sequence

from ...codegen.isa import ISA
from ...kernels.kernel import Launch, View
from ..ops import Op
from .macro import Allocate, Macro, given

OPERANDS = 4
"""Query, key, value and mask: the operands of an attention, and the last but the cotangent of its gradient."""


def _attention(
    isa: ISA, op: Op, inputs: Sequence[View | None], outputs: Sequence[View], allocate: Allocate
) -> list[Launch]:
    from ...kernels.attention import Attention, attention_launches

    query, key, value = (given(view) for view in inputs[:3])
    description = Attention(
        query,
        key,
        value,
        outputs[0],
        inputs[3],
        op.attributes["scale"],
        op.attributes["is_causal"],
        outputs[1] if len(outputs) > 1 else None,
    )
    return attention_launches(isa, description, allocate)


def _attention_gradient(
    isa: ISA, op: Op, inputs: Sequence[View | None], outputs: Sequence[View], allocate: Allocate
) -> list[Launch]:
    from ...kernels.attention import AttentionGradient, attention_gradient_launches

    cotangent, query, key, value = (given(view) for view in inputs[:4])
    connected = len(inputs) > OPERANDS + 1
    description = AttentionGradient(
        cotangent,
        query,
        key,
        value,
        outputs[0],
        outputs[1],
        outputs[2],
        inputs[4],
        op.attributes["scale"],
        op.attributes["is_causal"],
        inputs[5] if connected else None,
        inputs[6] if connected else None,
    )
    return attention_gradient_launches(isa, description, allocate)


ATTENTION = {
    "scaled_dot_product_attention": Macro(_attention),
    "scaled_dot_product_attention_gradient": Macro(_attention_gradient),
}
