"""Reductions. A cotangent is spread over the axes that were reduced; most rules then weigh it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dovetail_protocols import operations as ops
from dovetail_protocols.operation import Operation
from dovetail_protocols.operations.shape_rules import normalize_axes
from dovetail_protocols.operations.statistics import reduced_count

from ..extend import gradient_of, jvp_of
from .elementwise import as_factor


def kept(reduced: Any, x: Any, axis: Any, keepdims: bool) -> Any:
    """What was reduced from x, with its reduced axes back in place with size 1."""
    if keepdims or not x.shape:
        return reduced
    return ops.expand_dims(reduced, axis=tuple(sorted(normalize_axes("reduction", axis, len(x.shape)))))


def weighted_by(operation: Operation) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Declares both rules of a reduction by its derivative: `rule(result, x, axis, **attributes)`, with the reduced
    axes of the result in place, gives ∂result/∂x, an array that broadcasts to x."""

    def declare(rule: Callable[..., Any]) -> Callable[..., Any]:
        def weights(result: Any, x: Any, axis: Any, keepdims: bool, attributes: dict[str, Any]) -> Any:
            return rule(kept(result, x, axis, keepdims), x, axis, **attributes)

        def gradient(cotangent: Any, result: Any, x: Any, *, axis: Any, keepdims: bool, **attributes: Any) -> Any:
            return kept(cotangent, x, axis, keepdims) * weights(result, x, axis, keepdims, attributes)

        def forward(tangents: Any, result: Any, x: Any, *, axis: Any, keepdims: bool, **attributes: Any) -> Any:
            product = tangents[0] * weights(result, x, axis, keepdims, attributes)
            return ops.sum(product, axis=axis, keepdims=keepdims)

        gradient_of(operation)(gradient)
        jvp_of(operation)(forward)
        return rule

    return declare


@gradient_of(ops.sum)
def sum(cotangent: Any, result: Any, x: Any, *, axis: Any, keepdims: bool) -> Any:
    return ops.broadcast_to(kept(cotangent, x, axis, keepdims), shape=x.shape)


@jvp_of(ops.sum)
def sum_forward(tangents: Any, result: Any, x: Any, *, axis: Any, keepdims: bool) -> Any:
    return ops.sum(tangents[0], axis=axis, keepdims=keepdims)


@gradient_of(ops.mean)
def mean(cotangent: Any, result: Any, x: Any, *, axis: Any, keepdims: bool) -> Any:
    share = kept(cotangent, x, axis, keepdims) / reduced_count(x, axis)
    return ops.broadcast_to(share, shape=x.shape)


@jvp_of(ops.mean)
def mean_forward(tangents: Any, result: Any, x: Any, *, axis: Any, keepdims: bool) -> Any:
    return ops.mean(tangents[0], axis=axis, keepdims=keepdims)


@weighted_by(ops.var)
def var(result: Any, x: Any, axis: Any, *, correction: float) -> Any:
    degrees_of_freedom = ops.maximum(reduced_count(x, axis) - correction, 0)
    return (x - ops.mean(x, axis=axis, keepdims=True)) * (2 / degrees_of_freedom)


@weighted_by(ops.logsumexp)
def logsumexp(result: Any, x: Any, axis: Any) -> Any:
    return ops.exp(x - result)


@weighted_by(ops.max)
def max(result: Any, x: Any, axis: Any) -> Any:
    return _shares(result, x, axis)


@weighted_by(ops.min)
def min(result: Any, x: Any, axis: Any) -> Any:
    return _shares(result, x, axis)


def _shares(extreme: Any, x: Any, axis: Any) -> Any:
    """1 at the extreme element, 1 / n at each of n that are equally extreme, elsewhere 0."""
    chosen = as_factor(x == extreme, x)
    return chosen / ops.sum(chosen, axis=axis, keepdims=True)


@gradient_of(ops.prod)
def prod(cotangent: Any, result: Any, x: Any, *, axis: Any, keepdims: bool) -> Any:
    """Each element gets the product of the others, as that of those before it times that of those after it: a quotient
    result / x would be NaN beside a zero."""
    axes = normalize_axes("prod", axis, len(x.shape))
    if not axes:
        return cotangent
    others = tuple(place for place in range(len(x.shape)) if place not in axes)
    moved = ops.permute_dims(x, axes=(*others, *axes))
    count = 1
    for place in axes:
        count = count * x.shape[place]
    line = ops.reshape(moved, shape=(*moved.shape[: len(others)], count))
    product = _exclusive_product(line) * ops.flip(_exclusive_product(ops.flip(line, axis=-1)), axis=-1)
    order = (*others, *axes)
    inverse = tuple(order.index(place) for place in range(len(order)))
    of_the_others = ops.permute_dims(ops.reshape(product, shape=moved.shape), axes=inverse)
    return kept(cotangent, x, axis, keepdims) * of_the_others


def _exclusive_product(x: Any) -> Any:
    """The product of the elements before each, along the last axis."""
    running = ops.cumulative_prod(x, axis=-1, include_initial=True)
    leading = (None,) * (len(x.shape) - 1)
    return ops.slice(running, starts=(*leading, None), stops=(*leading, -1))
