"""Scaled dot-product attention: two products of matrices, and a softmax in place between them."""

from __future__ import annotations

from typing import Any

import numpy as np

from dovetail_protocols import operations as ops
from dovetail_protocols.kernels import CallMeta

from .declaration import given_metas, kernel
from .dtypes import numpy_dtype


@kernel(ops.scaled_dot_product_attention)
def scaled_dot_product_attention(call: CallMeta) -> Any:
    query, key, *_ = given_metas(call)
    scale = call.attributes["scale"]
    factor = query.shape[-1] ** -0.5 if scale is None else scale
    forbidden = ~np.tri(query.shape[-2], key.shape[-2], dtype=bool) if call.attributes["is_causal"] else None
    narrow = numpy_dtype(query.dtype)
    wide = np.dtype(np.float32) if narrow.itemsize < 4 else narrow

    def run(query: Any, key: Any, value: Any, mask: Any) -> Any:
        query, key, value = (operand.astype(wide, copy=False) for operand in (query, key, value))
        with np.errstate(all="ignore"):
            scores = np.matmul(query * wide.type(factor), key.swapaxes(-1, -2))
            scores = _masked(scores, mask, forbidden)
            _softmax(scores)
            return np.matmul(scores, value).astype(narrow, copy=False)

    return run


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
