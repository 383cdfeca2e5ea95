"""Order along an axis: sorting, places of extremes, places in sorted arrays."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax

from dovetail_protocols import operations as ops
from dovetail_protocols.kernels import CallMeta

from ..dtypes import numpy_dtype
from .registry import lowering, wide, widened


@lowering(ops.sort)
@widened
def sort(call: CallMeta, x: Any) -> Any:
    axis = call.attributes["axis"] % x.ndim
    if not call.attributes["descending"]:
        return lax.sort(x, dimension=axis, is_stable=True)
    # Reversed before and after, so that equal elements keep their order and NaNs come first.
    return lax.rev(lax.sort(lax.rev(x, [axis]), dimension=axis, is_stable=True), [axis])


@lowering(ops.argsort)
def argsort(call: CallMeta, x: Any) -> Any:
    axis, descending = call.attributes["axis"] % x.ndim, call.attributes["descending"]
    keys = wide(lax.rev(x, [axis]) if descending else x)
    places = lax.broadcasted_iota(np.int32, x.shape, axis)
    _, order = lax.sort((keys, places), dimension=axis, is_stable=True, num_keys=1)
    if descending:
        order = lax.rev(x.shape[axis] - 1 - order, [axis])
    return order.astype(numpy_dtype(call.results[0].dtype))


@lowering(ops.argmax)
def argmax(call: CallMeta, x: Any) -> Any:
    return _extreme(call, x, lax.argmax)


@lowering(ops.argmin)
def argmin(call: CallMeta, x: Any) -> Any:
    return _extreme(call, x, lax.argmin)


def _extreme(call: CallMeta, x: Any, function: Any) -> Any:
    result, axis = call.results[0], call.attributes["axis"]
    line = wide(x.reshape(-1) if axis is None else x)
    found = function(line, 0 if axis is None else axis % x.ndim, np.int32)
    return found.astype(numpy_dtype(result.dtype)).reshape(result.shape)


@lowering(ops.searchsorted)
def searchsorted(call: CallMeta, x1: Any, x2: Any, sorter: Any) -> Any:
    ordered = wide(x1 if sorter is None else x1[sorter])
    result = call.results[0]
    if not x1.size:
        return jnp.zeros(result.shape, numpy_dtype(result.dtype))
    return jnp.searchsorted(ordered, wide(x2), side=call.attributes["side"]).astype(numpy_dtype(result.dtype))
