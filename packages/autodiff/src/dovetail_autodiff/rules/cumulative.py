"""Running sums and products along an axis."""

from __future__ import annotations

from typing import Any

from dovetail_protocols import operations as ops
from dovetail_protocols.operations.shape_rules import normalize_axis

from ..extend import gradient_of, jvp_of
from .elementwise import as_factor


@gradient_of(ops.cumulative_sum)
def cumulative_sum(cotangent: Any, result: Any, x: Any, *, axis: int | None, include_initial: bool) -> Any:
    place = _place(x, axis)
    backward = ops.cumulative_sum(ops.flip(_without_initial(cotangent, place, include_initial), axis=place), axis=place)
    return ops.flip(backward, axis=place)


@jvp_of(ops.cumulative_sum)
def cumulative_sum_forward(tangents: Any, result: Any, x: Any, *, axis: int | None, include_initial: bool) -> Any:
    return ops.cumulative_sum(tangents[0], axis=axis, include_initial=include_initial)


@gradient_of(ops.cumulative_prod)
def cumulative_prod(cotangent: Any, result: Any, x: Any, *, axis: int | None, include_initial: bool) -> Any:
    """Σ over j ≥ i of cotangent[j] · Π over k ≤ j, k ≠ i, of x[k].

    The products are formed for every pair (i, j), in memory quadratic in the axis: quotients result / x, which are
    linear, would be NaN beside a zero.
    """
    place = _place(x, axis)
    cotangent = ops.moveaxis(_without_initial(cotangent, place, include_initial), source=place, destination=-1)
    line = ops.moveaxis(x, source=place, destination=-1)
    positions = ops.arange(start=0, stop=x.shape[place], device=x.device)
    row, column = ops.expand_dims(positions, axis=1), ops.expand_dims(positions, axis=0)
    without_own = ops.where(row == column, 1, ops.expand_dims(line, axis=-2))
    products = ops.cumulative_prod(without_own, axis=-1) * as_factor(column >= row, x)
    gradient = ops.sum(products * ops.expand_dims(cotangent, axis=-2), axis=-1)
    return ops.moveaxis(gradient, source=-1, destination=place)


def _place(x: Any, axis: int | None) -> int:
    return normalize_axis("cumulative", 0 if axis is None else axis, len(x.shape))


def _without_initial(cotangent: Any, place: int, include_initial: bool) -> Any:
    if not include_initial:
        return cotangent
    return ops.slice(cotangent, starts=(*[None] * place, 1), stops=(None,) * (place + 1))
