"""Elements at places that arrays of integers give.

Negative indices count from the end. No value can be looked at here, so that an index out of range can't raise: what
it reads is the nearest element, and what it would write is dropped.
"""

from __future__ import annotations

from math import prod
from typing import Any

import jax.numpy as jnp
import numpy as np

from dovetail_protocols import operations as ops
from dovetail_protocols.kernels import CallMeta

from ..dtypes import is_narrow, numpy_dtype
from .registry import lowering

_LARGEST = np.iinfo(np.int32).max


def _counted(indices: Any, size: int, *, dropping: bool) -> Any:
    """Indices with negative ones counted from the end. Those out of range become the nearest place, or with `dropping`
    `size`, which scatters leave out."""
    if indices.dtype.itemsize < 4:
        indices = indices.astype(np.int32)
    if indices.dtype.kind == "i":
        indices = jnp.where(indices < 0, indices + size, indices)
    if dropping:
        outside = indices >= size if indices.dtype.kind == "u" else (indices < 0) | (indices >= size)
        indices = jnp.where(outside, np.array(size, indices.dtype), indices)
    else:
        indices = jnp.clip(indices, 0, max(size - 1, 0))
    return indices.astype(np.int32 if size < _LARGEST else np.int64)


@lowering(ops.take, ops.embedding)
def take(call: CallMeta, x: Any, indices: Any) -> Any:
    axis = (call.attributes.get("axis") or 0) % x.ndim
    if not x.size or not indices.size:
        return jnp.zeros(call.results[0].shape, x.dtype)
    return jnp.take(x, _counted(indices, x.shape[axis], dropping=False), axis, mode="clip")


@lowering(ops.take_along_axis)
def take_along_axis(call: CallMeta, x: Any, indices: Any) -> Any:
    axis = call.attributes["axis"] % x.ndim
    result = call.results[0]
    if not x.size or not result.size:
        return jnp.zeros(result.shape, x.dtype)
    places = _counted(indices, x.shape[axis], dropping=False)
    return jnp.take_along_axis(x, places, axis, mode="clip")


@lowering(ops.gather_nd)
def gather_nd(call: CallMeta, x: Any, indices: Any) -> Any:
    result = call.results[0]
    if not x.size or not result.size:
        return jnp.zeros(result.shape, x.dtype)
    batch = call.attributes["batch_dims"]
    lead = indices.shape[:-1]
    key = [jnp.arange(lead[k], dtype=np.int32).reshape((-1,) + (1,) * (len(lead) - k - 1)) for k in range(batch)]
    columns = [indices[..., k] for k in range(indices.shape[-1])]
    key += [_counted(column, x.shape[batch + k], dropping=False) for k, column in enumerate(columns)]
    if not key:
        return jnp.broadcast_to(x, result.shape)
    return x.at[tuple(key)].get(mode="clip")


@lowering(ops.scatter_nd)
def scatter_nd(call: CallMeta, indices: Any, updates: Any) -> Any:
    result = call.results[0]
    return _scattered(
        jnp.zeros(result.shape, numpy_dtype(result.dtype)), _columns(indices, result.shape), updates, "add"
    )


@lowering(ops.scatter)
def scatter(call: CallMeta, x: Any, indices: Any, updates: Any) -> Any:
    return _scattered(x, _columns(indices, x.shape), updates, call.attributes["mode"])


@lowering(ops.put_along_axis)
def put_along_axis(call: CallMeta, x: Any, indices: Any, values: Any) -> Any:
    axis = call.attributes["axis"] % x.ndim
    shape = (*x.shape[:axis], indices.shape[axis], *x.shape[axis + 1 :])
    key = [jnp.arange(size, dtype=np.int32).reshape((-1,) + (1,) * (x.ndim - k - 1)) for k, size in enumerate(shape)]
    key[axis] = _counted(indices, x.shape[axis], dropping=True)
    places = tuple(jnp.broadcast_to(column, shape) for column in key)
    return _scattered(x, places, jnp.broadcast_to(values, shape), call.attributes["mode"])


@lowering(ops.embedding_gradient)
def embedding_gradient(call: CallMeta, cotangent: Any, indices: Any) -> Any:
    result = call.results[0]
    rows = (_counted(indices, result.shape[0], dropping=True),)
    return _scattered(jnp.zeros(result.shape, cotangent.dtype), rows, cotangent, "add")


def _columns(indices: Any, shape: tuple[int, ...]) -> tuple[Any, ...]:
    columns = (indices[..., k] for k in range(indices.shape[-1]))
    return tuple(_counted(column, shape[k], dropping=True) for k, column in enumerate(columns))


def _scattered(x: Any, places: tuple[Any, ...], updates: Any, mode: str) -> Any:
    """x with updates put in, added, … at the places: one array of indices for each of the first axes."""
    if not updates.size or not x.size:
        return x
    if not places:  # each update is as large as x
        flat = updates.reshape((-1, 1, *x.shape))
        rows = (jnp.zeros((len(flat), 1), np.int32),)
        return _scattered(x[None], rows, flat, mode)[0]
    if mode == "update":
        return x.at[_last_of_each(places, x.shape)].set(updates, mode="drop")
    computed = np.dtype(np.uint8) if x.dtype == bool else np.dtype(np.float32) if is_narrow(x.dtype) else x.dtype
    target, given = x.astype(computed), updates.astype(computed)
    if x.dtype == bool:
        mode = "min" if mode == "min" else "max"  # the sum of truths is their disjunction
    put = {"add": "add", "subtract": "subtract", "min": "min", "max": "max"}[mode]
    result: Any = getattr(target.at[places], put)(given, mode="drop")
    return result.astype(x.dtype)


def _last_of_each(places: tuple[Any, ...], shape: tuple[int, ...]) -> tuple[Any, ...]:
    """The places with all but the last of equal ones moved out of range: XLA writes in no fixed order."""
    sizes = shape[: len(places)]
    updates = prod(places[0].shape)
    number = jnp.arange(updates, dtype=np.int64).reshape(places[0].shape)
    last = jnp.full(sizes, -1, np.int64).at[places].max(number, mode="drop")
    stays = last.at[places].get(mode="fill", fill_value=-1) == number
    return (jnp.where(stays, places[0], np.int32(shape[0])), *places[1:])
