"""Softmax and its logarithm. Shifted scores give the same result, so that the maximum needs no derivative."""

from __future__ import annotations

from typing import Any

from dovetail_protocols import operations as ops

from ..extend import gradient_of, jvp_of
from .elementwise import derivative_of


@derivative_of(ops.softmax)
def softmax(u: Any, result: Any, x: Any, *, axis: int) -> Any:
    # The Jacobian diag(p) − p·pᵀ is symmetric: one product for both modes.
    return result * (u - ops.sum(u * result, axis=axis, keepdims=True))


@gradient_of(ops.log_softmax)
def log_softmax(cotangent: Any, result: Any, x: Any, *, axis: int) -> Any:
    return cotangent - ops.exp(result) * ops.sum(cotangent, axis=axis, keepdims=True)


@jvp_of(ops.log_softmax)
def log_softmax_forward(tangents: Any, result: Any, x: Any, *, axis: int) -> Any:
    return tangents[0] - ops.sum(ops.exp(result) * tangents[0], axis=axis, keepdims=True)
