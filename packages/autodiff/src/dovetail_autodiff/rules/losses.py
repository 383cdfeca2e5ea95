"""Cross-entropies, whose gradients with respect to logits are one operation each. Other losses are differentiated
through their decompositions."""

from __future__ import annotations

from typing import Any

from dovetail_protocols import operations as ops

from ..extend import gradient_of
from .broadcasting import unbroadcast


@gradient_of(ops.softmax_cross_entropy)
def softmax_cross_entropy(cotangent: Any, result: Any, labels: Any, logits: Any, *, axis: int) -> Any:
    return (
        lambda: -ops.expand_dims(cotangent, axis=axis) * ops.log_softmax(logits, axis=axis),
        lambda: ops.softmax_cross_entropy_gradient(cotangent, labels, logits, axis=axis),
    )


@gradient_of(ops.sparse_softmax_cross_entropy)
def sparse_softmax_cross_entropy(cotangent: Any, result: Any, labels: Any, logits: Any, *, axis: int) -> Any:
    return None, ops.sparse_softmax_cross_entropy_gradient(cotangent, labels, logits, axis=axis)


@gradient_of(ops.sigmoid_cross_entropy)
def sigmoid_cross_entropy(cotangent: Any, result: Any, labels: Any, logits: Any) -> Any:
    return (
        lambda: unbroadcast(-cotangent * logits, labels),
        lambda: unbroadcast(ops.sigmoid_cross_entropy_gradient(cotangent, labels, logits), logits),
    )
