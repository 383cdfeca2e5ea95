"""How some operations are written out here: in other terms than the standard's, so that they fuse into one kernel.

Each is a function as the operation's own decomposition is: operands, then attributes by name.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dovetail_protocols import operations as ops
from dovetail_protocols.dtypes import DEFAULT_INDEX, bool_


def _classes(logits: Any, labels: Any, axis: int) -> tuple[Any, Any]:
    """Labels with the class axis, and the numbers of the classes along it."""
    place = axis % len(logits.shape)
    numbers = ops.arange(start=0, stop=logits.shape[place], dtype=labels.dtype)
    shape = tuple(size if at == place else 1 for at, size in enumerate(logits.shape))
    return ops.expand_dims(labels, axis=place), ops.reshape(numbers, shape=shape)


def _softmax(x: Any, /, *, axis: int) -> Any:
    """One division for each sum rather than for each element: the sum is from 1 to the number of elements."""
    if x.shape[axis] == 0:
        return x
    numerator = ops.exp(x - ops.max(x, axis=axis, keepdims=True))
    return numerator * ops.reciprocal(ops.sum(numerator, axis=axis, keepdims=True))


def _sparse_softmax_cross_entropy(labels: Any, logits: Any, /, *, axis: int) -> Any:
    """Σ exp and the chosen logit in one pass: the label is compared with each class rather than looked up."""
    chosen, numbers = _classes(logits, labels, axis)
    shifted = logits - ops.max(logits, axis=axis, keepdims=True)
    total = ops.log(ops.sum(ops.exp(shifted), axis=axis, keepdims=True))
    picked = ops.sum(ops.where(ops.equal(chosen, numbers), shifted, 0.0), axis=axis, keepdims=True)
    return ops.squeeze(total - picked, axis=axis)


def _sparse_softmax_cross_entropy_gradient(cotangent: Any, labels: Any, logits: Any, /, *, axis: int) -> Any:
    chosen, numbers = _classes(logits, labels, axis)
    numerator = ops.exp(logits - ops.max(logits, axis=axis, keepdims=True))
    weights = ops.expand_dims(cotangent, axis=axis % len(logits.shape))
    scale = weights / ops.sum(numerator, axis=axis, keepdims=True)
    return numerator * scale - ops.where(ops.equal(chosen, numbers), weights, 0.0)


def _count_nonzero(x: Any, /, *, axis: Any, keepdims: bool) -> Any:
    return ops.sum(ops.cast(ops.cast(x, dtype=bool_), dtype=DEFAULT_INDEX), axis=axis, keepdims=keepdims)


DECOMPOSITIONS: dict[str, Callable[..., Any]] = {
    "count_nonzero": _count_nonzero,
    "softmax": _softmax,
    "sparse_softmax_cross_entropy": _sparse_softmax_cross_entropy,
    "sparse_softmax_cross_entropy_gradient": _sparse_softmax_cross_entropy_gradient,
}
