"""Attention, whose gradient with respect to query, key and value is one operation."""

from __future__ import annotations

from typing import Any

from dovetail_protocols import operations as ops
from dovetail_protocols.operations.attention import attention_scores_gradient, attention_weights, summed_to

from ..extend import gradient_of


@gradient_of(ops.scaled_dot_product_attention)
def scaled_dot_product_attention(
    cotangent: Any, result: Any, query: Any, key: Any, value: Any, mask: Any, **attributes: Any
) -> Any:
    def of_mask() -> Any:
        weights = attention_weights(query, key, mask, **attributes)
        of_scores = summed_to(attention_scores_gradient(cotangent, weights, value), mask.shape)
        return ops.cast(of_scores, dtype=mask.dtype)

    pulled = ops.scaled_dot_product_attention_gradient(cotangent, query, key, value, mask, **attributes)
    return *pulled, of_mask if mask is not None and mask.dtype.is_floating else None
