"""Pooling. Which element of a window is the greatest doesn't change nearby, so that its choice has no derivative."""

from __future__ import annotations

from typing import Any

from dovetail_protocols import operations as ops

from ..extend import gradient_of, jvp_of


@gradient_of(ops.max_pool)
def max_pool(cotangent: Any, result: Any, x: Any, **attributes: Any) -> Any:
    return ops.max_pool_gradient(cotangent, x, **attributes)


@jvp_of(ops.max_pool)
def max_pool_forward(tangents: Any, result: Any, x: Any, **attributes: Any) -> Any:
    return ops.max_pool_select(tangents[0], x, **attributes)


@gradient_of(ops.max_pool_gradient)
def max_pool_gradient(cotangent: Any, result: Any, given: Any, x: Any, **attributes: Any) -> Any:
    return ops.max_pool_select(cotangent, x, **attributes), None


@jvp_of(ops.max_pool_gradient)
def max_pool_gradient_forward(tangents: Any, result: Any, given: Any, x: Any, **attributes: Any) -> Any:
    return None if tangents[0] is None else ops.max_pool_gradient(tangents[0], x, **attributes)


@gradient_of(ops.max_pool_select)
def max_pool_select(cotangent: Any, result: Any, values: Any, x: Any, **attributes: Any) -> Any:
    return ops.max_pool_gradient(cotangent, x, **attributes), None


@jvp_of(ops.max_pool_select)
def max_pool_select_forward(tangents: Any, result: Any, values: Any, x: Any, **attributes: Any) -> Any:
    return None if tangents[0] is None else ops.max_pool_select(tangents[0], x, **attributes)


@gradient_of(ops.average_pool)
def average_pool(cotangent: Any, result: Any, x: Any, **attributes: Any) -> Any:
    return ops.average_pool_gradient(cotangent, spatial_shape=x.shape[1:-1], **attributes)


@jvp_of(ops.average_pool)
def average_pool_forward(tangents: Any, result: Any, x: Any, **attributes: Any) -> Any:
    return ops.average_pool(tangents[0], **attributes)


@gradient_of(ops.average_pool_gradient)
def average_pool_gradient(cotangent: Any, result: Any, given: Any, *, spatial_shape: Any, **attributes: Any) -> Any:
    return ops.average_pool(cotangent, **attributes)


@jvp_of(ops.average_pool_gradient)
def average_pool_gradient_forward(tangents: Any, result: Any, given: Any, **attributes: Any) -> Any:
    return ops.average_pool_gradient(tangents[0], **attributes)
