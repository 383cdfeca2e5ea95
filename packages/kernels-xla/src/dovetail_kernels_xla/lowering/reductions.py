"""Reductions and running sums."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from jax import lax

from dovetail_protocols import operations as ops
from dovetail_protocols.kernels import CallMeta

from ..dtypes import numpy_dtype
from .registry import lowering, wide, widened


def _axes(call: CallMeta) -> dict[str, Any]:
    return {"axis": call.attributes["axis"], "keepdims": call.attributes["keepdims"]}


@lowering(ops.sum)
@widened
def sum(call: CallMeta, x: Any) -> Any:
    return jnp.sum(x, dtype=x.dtype, **_axes(call))


@lowering(ops.prod)
@widened
def prod(call: CallMeta, x: Any) -> Any:
    return jnp.prod(x, dtype=x.dtype, **_axes(call))


@lowering(ops.max)
@widened
def max(call: CallMeta, x: Any) -> Any:
    return jnp.max(x, **_axes(call))


@lowering(ops.min)
@widened
def min(call: CallMeta, x: Any) -> Any:
    return jnp.min(x, **_axes(call))


@lowering(ops.all)
def all(call: CallMeta, x: Any) -> Any:
    return jnp.all(_truth(x), **_axes(call))


@lowering(ops.any)
def any(call: CallMeta, x: Any) -> Any:
    return jnp.any(_truth(x), **_axes(call))


@lowering(ops.count_nonzero)
def count_nonzero(call: CallMeta, x: Any) -> Any:
    return jnp.sum(_truth(x), dtype=numpy_dtype(call.results[0].dtype), **_axes(call))


def _truth(x: Any) -> Any:
    return x if x.dtype == bool else wide(x) != 0


@lowering(ops.cumulative_sum)
@widened
def cumulative_sum(call: CallMeta, x: Any) -> Any:
    return _running(call, x, lax.cumsum, 0)


@lowering(ops.cumulative_prod)
@widened
def cumulative_prod(call: CallMeta, x: Any) -> Any:
    return _running(call, x, lax.cumprod, 1)


def _running(call: CallMeta, x: Any, function: Any, initial: int) -> Any:
    axis = (call.attributes["axis"] or 0) % x.ndim
    result = function(x, axis=axis)
    if not call.attributes["include_initial"]:
        return result
    first = jnp.full((*x.shape[:axis], 1, *x.shape[axis + 1 :]), initial, x.dtype)
    return lax.concatenate([first, result], axis)
