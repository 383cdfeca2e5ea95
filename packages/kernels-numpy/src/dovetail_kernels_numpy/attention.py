"""Scaled dot-product attention: two products of matrices, a softmax in place between them, and the gradient."""

from __future__ import annotations

from typing import Any

import numpy as np

from dovetail_protocols import operations as ops
from dovetail_protocols.kernels import CallMeta
from dovetail_protocols.metas import TensorMeta

from .declaration import given_metas, kernel
from .dtypes import numpy_dtype


@kernel(ops.scaled_dot_product_attention)
def scaled_dot_product_attention(call: CallMeta) -> Any:
    weigh = _Weights(call, *given_metas(call)[:2])

    def run(query: Any, key: Any, value: Any, mask: Any) -> Any:
        return np.matmul(weigh(query, key, mask), value)

    return _converting(call, run)


@kernel(ops.scaled_dot_product_attention_gradient)
def scaled_dot_product_attention_gradient(call: CallMeta) -> Any:
    weigh = _Weights(call, *given_metas(call)[1:3])

    def run(cotangent: Any, query: Any, key: Any, value: Any, mask: Any) -> Any:
        weights = weigh(query, key, mask)
        scores = np.matmul(cotangent, value.swapaxes(-1, -2))
        # Σ over keys of weights · (cotangent · valueᵀ) is cotangent · result: fewer elements to multiply.
        scores -= np.einsum("...qv,...qv->...q", cotangent, np.matmul(weights, value))[..., None]
        scores *= weights
        scores *= weigh.factor
        return (
            _summed_to(np.matmul(scores, key), query.shape),
            _summed_to(np.matmul(scores.swapaxes(-1, -2), query), key.shape),
            _summed_to(np.matmul(weights.swapaxes(-1, -2), cotangent), value.shape),
        )

    return _converting(call, run)


class _Weights:
    """Computes the weights of attention, softmax(query · keyᵀ · scale + mask), for one set of shapes."""

    def __init__(self, call: CallMeta, query: TensorMeta, key: TensorMeta) -> None:
        scale = call.attributes["scale"]
        self.factor = query.shape[-1] ** -0.5 if scale is None else scale
        ahead = ~np.tri(query.shape[-2], key.shape[-2], dtype=bool)
        self.forbidden = ahead if call.attributes["is_causal"] else None

    def __call__(self, query: Any, key: Any, mask: Any) -> Any:
        scores = _masked(np.matmul(query * self.factor, key.swapaxes(-1, -2)), mask, self.forbidden)
        _softmax(scores)
        return scores


def _converting(call: CallMeta, function: Any) -> Any:
    """The function in float32 where the dtype is narrower, silent; the mask, which comes last, as it is."""
    narrow = numpy_dtype(call.results[0].dtype)
    wide = np.dtype(np.float32) if narrow.itemsize < 4 else narrow

    def run(*inputs: Any) -> Any:
        *operands, mask = inputs
        with np.errstate(all="ignore"):
            results = function(*(operand.astype(wide, copy=False) for operand in operands), mask)
            if isinstance(results, tuple):
                return tuple(result.astype(narrow, copy=False) for result in results)
            return results.astype(narrow, copy=False)

    return run


def _summed_to(array: Any, shape: tuple[int, ...]) -> Any:
    """An array summed over the axes along which `shape` was broadcast to its own."""
    added = array.ndim - len(shape)
    stretched = tuple(
        axis for axis, size in enumerate(array.shape) if axis < added or (shape[axis - added] == 1 and size != 1)
    )
    return array.sum(stretched).reshape(shape) if stretched else array


def _masked(scores: Any, mask: Any, forbidden: Any) -> Any:
    """Scores with -∞ where a query may not look, in place unless the mask has more axes."""
    if mask is not None:
        shape = np.broadcast_shapes(mask.shape, scores.shape)
        if shape != scores.shape:
            scores = np.broadcast_to(scores, shape).copy()
        if mask.dtype == bool:
            np.copyto(scores, -np.inf, where=~mask)
        else:
            scores += mask.astype(scores.dtype, copy=False)
    if forbidden is not None:
        np.copyto(scores, -np.inf, where=forbidden)
    return scores


def _softmax(scores: Any) -> None:
    """Softmax along the last axis, in place; rows of -∞ become zeros."""
    greatest = np.maximum.reduce(scores, axis=-1, keepdims=True, initial=-np.inf)
    scores -= np.where(np.isneginf(greatest), 0, greatest)
    np.exp(scores, out=scores)
    total = np.add.reduce(scores, axis=-1, keepdims=True)
    scores /= np.where(total == 0, 1, total)
