"""Attention and its gradient: products in the operands' dtype with float32 sums, the softmax between in float32."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax

from dovetail_protocols import operations as ops
from dovetail_protocols.kernels import CallMeta

from .linear_algebra import product
from .registry import lowering


@lowering(ops.scaled_dot_product_attention)
def scaled_dot_product_attention(call: CallMeta, query: Any, key: Any, value: Any, mask: Any) -> Any:
    weights = _weights(call, query, key, mask).astype(value.dtype)
    return product(weights, value).astype(query.dtype)


@lowering(ops.scaled_dot_product_attention_gradient)
def scaled_dot_product_attention_gradient(
    call: CallMeta, cotangent: Any, query: Any, key: Any, value: Any, mask: Any
) -> Any:
    weights = _weights(call, query, key, mask)
    along = product(cotangent, value.mT)
    scores = weights * (along - jnp.sum(weights * along, axis=-1, keepdims=True)) * _factor(call, query, along.dtype)
    scores, weights = scores.astype(query.dtype), weights.astype(query.dtype)
    return (
        _summed_to(product(scores, key), query),
        _summed_to(product(scores.mT, query), key),
        _summed_to(product(weights.mT, cotangent), value),
    )


def _factor(call: CallMeta, query: Any, dtype: np.dtype[Any]) -> Any:
    scale = call.attributes["scale"]
    return np.asarray(query.shape[-1] ** -0.5 if scale is None else scale, dtype)


def _weights(call: CallMeta, query: Any, key: Any, mask: Any) -> Any:
    """softmax(query · keyᵀ · scale + mask), float32 at least; rows that look at nothing are zeros."""
    scores = product(query, key.mT)
    scores = scores * _factor(call, query, scores.dtype)
    forbidden = np.asarray(-np.inf, scores.dtype)
    if mask is not None:
        scores = jnp.where(mask, scores, forbidden) if mask.dtype == bool else scores + mask.astype(scores.dtype)
    if call.attributes["is_causal"]:
        shape = scores.shape[-2:]
        allowed = lax.broadcasted_iota(np.int32, shape, 1) <= lax.broadcasted_iota(np.int32, shape, 0)
        scores = jnp.where(allowed, scores, forbidden)
    greatest = jnp.max(scores, axis=-1, keepdims=True, initial=-np.inf)
    weights = jnp.exp(scores - jnp.where(jnp.isfinite(greatest), greatest, jnp.zeros_like(greatest)))
    total = jnp.sum(weights, axis=-1, keepdims=True)
    return weights / jnp.where(total == 0, jnp.ones_like(total), total)


def _summed_to(array: Any, operand: Any) -> Any:
    """An array summed over the axes along which the operand was broadcast to its shape."""
    shape = operand.shape
    added = array.ndim - len(shape)
    stretched = tuple(
        axis for axis, size in enumerate(array.shape) if axis < added or (shape[axis - added] == 1 and size != 1)
    )
    return (jnp.sum(array, axis=stretched) if stretched else array).reshape(shape).astype(operand.dtype)
