"""Order along an axis: a permutation, undone on the way back."""

from __future__ import annotations

from typing import Any

from dovetail_protocols import operations as ops

from ..extend import gradient_of, jvp_of, not_differentiable

not_differentiable(ops.argsort, "the result is an integer")


@gradient_of(ops.sort)
def sort(cotangent: Any, result: Any, x: Any, *, axis: int, descending: bool, stable: bool) -> Any:
    # Always stable, so that value and gradient agree on the order of equal elements as far as anybody can tell.
    order = ops.argsort(x, axis=axis, descending=descending, stable=True)
    return ops.take_along_axis(cotangent, ops.argsort(order, axis=axis), axis=axis)


@jvp_of(ops.sort)
def sort_forward(tangents: Any, result: Any, x: Any, *, axis: int, descending: bool, stable: bool) -> Any:
    order = ops.argsort(x, axis=axis, descending=descending, stable=True)
    return ops.take_along_axis(tangents[0], order, axis=axis)
