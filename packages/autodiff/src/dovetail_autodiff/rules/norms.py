"""Norms of vectors. Where a norm is 0 its gradient is taken to be 0, a subgradient, so that no NaN spreads."""

from __future__ import annotations

from math import inf
from typing import Any

from dovetail_protocols import operations as ops

from ..extend import gradient_of, jvp_of
from .elementwise import as_factor
from .reductions import kept


def _weights(result: Any, x: Any, axis: Any, keepdims: bool, ord: float) -> Any:
    """∂norm/∂|x| · conj(sign(x)): what a cotangent is multiplied with, and a tangent before it is summed."""
    direction = ops.conj(ops.sign(x)) if x.dtype.is_complex else ops.sign(x)
    if ord == 1:
        return direction
    size, norm = ops.abs(x), kept(result, x, axis, keepdims)
    if ord in (inf, -inf):
        chosen = as_factor(size == norm, size)
        share: Any = chosen / ops.sum(chosen, axis=axis, keepdims=True)
    else:
        share = size / ops.where(norm == 0, 1, norm)
        share = share if ord == 2 else ops.pow(share, ord - 1)
    return direction * ops.cast(share, dtype=x.dtype)


@gradient_of(ops.vector_norm)
def vector_norm(cotangent: Any, result: Any, x: Any, *, axis: Any, keepdims: bool, ord: float) -> Any:
    if ord == 0:
        return None
    spread = ops.cast(kept(cotangent, x, axis, keepdims), dtype=x.dtype)
    return spread * _weights(result, x, axis, keepdims, ord)


@jvp_of(ops.vector_norm)
def vector_norm_forward(tangents: Any, result: Any, x: Any, *, axis: Any, keepdims: bool, ord: float) -> Any:
    if ord == 0:
        return None
    pushed = tangents[0] * _weights(result, x, axis, keepdims, ord)
    return ops.sum(ops.real(pushed) if x.dtype.is_complex else pushed, axis=axis, keepdims=keepdims)
