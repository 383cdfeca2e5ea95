"""Other shapes and orders of the same elements, conversion of dtypes, and arrays made of attributes alone."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax

from dovetail_protocols import operations as ops
from dovetail_protocols.kernels import CallMeta
from dovetail_protocols.operations.tiling import padding_pairs

from ..dtypes import is_narrow, numpy_dtype
from .registry import lowering


@lowering(ops.reshape, ops.flatten, ops.expand_dims, ops.squeeze)
def reshape(call: CallMeta, x: Any) -> Any:
    return x.reshape(call.results[0].shape)


@lowering(ops.broadcast_to)
def broadcast_to(call: CallMeta, x: Any) -> Any:
    return jnp.broadcast_to(x, call.results[0].shape)


@lowering(ops.permute_dims)
def permute_dims(call: CallMeta, x: Any) -> Any:
    return jnp.transpose(x, call.attributes["axes"])


@lowering(ops.concat)
def concat(call: CallMeta, *arrays: Any) -> Any:
    return jnp.concatenate(arrays, call.attributes["axis"])


@lowering(ops.stack)
def stack(call: CallMeta, *arrays: Any) -> Any:
    return jnp.stack(arrays, call.attributes["axis"])


@lowering(ops.pad_constant)
def pad_constant(call: CallMeta, x: Any) -> Any:
    value = np.asarray(call.attributes["value"]).astype(x.dtype)
    pairs = padding_pairs("pad_constant", call.attributes["padding"], x.ndim)
    return lax.pad(x, value, [(before, after, 0) for before, after in pairs])


@lowering(ops.cast)
def cast(call: CallMeta, x: Any) -> Any:
    target = numpy_dtype(call.results[0].dtype)
    if target == x.dtype:
        return x
    if target.kind == "b":
        return x != 0 if not is_narrow(x.dtype) else x.astype(jnp.float32) != 0
    if x.dtype.kind == "c" and target.kind != "c":
        x = x.real
    if target.kind == "u" and x.dtype.kind not in "biu":
        # Negative numbers wrap around, as integers do; XLA would make them 0.
        return jnp.where(x < 0, x.astype(np.int64).astype(target), x.astype(target))
    return x.astype(target)


@lowering(ops.full)
def full(call: CallMeta) -> Any:
    dtype = numpy_dtype(call.results[0].dtype)
    return jnp.full(call.results[0].shape, np.asarray(call.attributes["fill_value"]).astype(dtype))


@lowering(ops.arange)
def arange(call: CallMeta) -> Any:
    result = call.results[0]
    start, stop, step = (call.attributes[name] for name in ("start", "stop", "step"))
    first = 0 if stop is None else start
    exact: Any = np.int64 if isinstance(first, int) and isinstance(step, int) else np.float64
    if result.dtype.name == "uint64":
        exact = np.uint64
    # Multiples of the step, each rounded once; adding steps up would add up their rounding errors.
    numbers = lax.iota(np.int64, result.shape[0]).astype(exact) * exact(step) + exact(first)
    return numbers.astype(numpy_dtype(result.dtype))


@lowering(ops.linspace)
def linspace(call: CallMeta) -> Any:
    result = call.results[0]
    start, stop, endpoint = (call.attributes[name] for name in ("start", "stop", "endpoint"))
    kind: Any = np.complex128 if result.dtype.is_complex else np.float64
    return jnp.linspace(start, stop, result.shape[0], endpoint=endpoint, dtype=kind).astype(numpy_dtype(result.dtype))


@lowering(ops.eye)
def eye(call: CallMeta) -> Any:
    result = call.results[0]
    rows, columns = result.shape
    return jnp.eye(rows, columns, call.attributes["k"], dtype=numpy_dtype(result.dtype))
