"""What attention kernels are asked to compute."""

from __future__ import annotations

from dovetail_protocols.records import record

from ..kernel import View


@record
class Attention:
    """`output` = softmax(query · keyᵀ · scale + mask) · value, as scaled_dot_product_attention is defined.

    query: (*batch, queries, size), key: (*batch, keys, size), value: (*batch, keys, value_size), output: (*batch,
    queries, value_size), floating, of any strides; batch axes of query, key, value and mask broadcast to output's.
    mask: broadcasts to (*batch, queries, keys), bool or floating. `scale` None means 1/√size. Views that are written
    overlap no other.

    `statistics`: where given, gets what the gradient needs of each query, (*batch, queries, 2) of the dtype that
    `statistics_dtype` says, of any strides, but contiguous along the last axis.

    Keys that a query doesn't see since `is_causal` needn't be read; a number there that isn't finite may not show.
    """

    query: View
    key: View
    value: View
    output: View
    mask: View | None = None
    scale: float | None = None
    is_causal: bool = False
    statistics: View | None = None


@record
class AttentionGradient:
    """The gradients of query, key and value, each shaped like its operand, as the operation
    scaled_dot_product_attention_gradient defines them. cotangent: (*batch, queries, value_size).

    `output` and `statistics`, both or neither, are what Attention has written for the same operands: with them, less
    has to be computed again. Where output is in half precision, its rounding is felt in the gradients of queries and
    keys, as half an ε of the output's magnitude.
    """

    cotangent: View
    query: View
    key: View
    value: View
    query_gradient: View
    key_gradient: View
    value_gradient: View
    mask: View | None = None
    scale: float | None = None
    is_causal: bool = False
    output: View | None = None
    statistics: View | None = None


def statistics_dtype(*operands: View) -> str:
    """The dtype that attention computes in, and that its statistics have."""
    return "float64" if any(operand.dtype == "float64" for operand in operands) else "float32"
