"""Slices: with steps of either sign, their adjoint, and those that begin where arrays say."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from jax import lax

from dovetail_protocols import operations as ops
from dovetail_protocols.kernels import CallMeta

from ..dtypes import numpy_dtype
from .registry import lowering

# This module's lowerings are named after operations, `slice` among them.
_Slice = slice


class _Places:
    """Where a slice lies: along each axis an ascending start, stop and step, and the axes that are then reversed."""

    def __init__(self, call: CallMeta, shape: tuple[int, ...]) -> None:
        starts, stops, strides = (call.attributes[name] for name in ("starts", "stops", "strides"))
        given = list(zip(starts, stops, strides or (None,) * len(starts), strict=True))
        given += [(None, None, None)] * (len(shape) - len(given))
        self.starts, self.stops, self.steps, self.reversed = [], [], [], []
        for axis, (size, bounds) in enumerate(zip(shape, given, strict=True)):
            numbers = range(size)[_Slice(*bounds)]
            if numbers.step < 0:
                numbers = numbers[::-1]
                self.reversed.append(axis)
            first = numbers.start if len(numbers) else 0
            self.starts.append(first)
            self.stops.append(numbers[-1] + 1 if len(numbers) else 0)
            self.steps.append(numbers.step)


@lowering(ops.slice)
def slice(call: CallMeta, x: Any) -> Any:
    places = _Places(call, x.shape)
    taken = lax.slice(x, places.starts, places.stops, places.steps)
    return lax.rev(taken, places.reversed) if places.reversed else taken


@lowering(ops.scatter_slice)
def scatter_slice(call: CallMeta, updates: Any) -> Any:
    shape = call.results[0].shape
    if not updates.size:
        return jnp.zeros(shape, numpy_dtype(call.results[0].dtype))
    places = _Places(call, shape)
    ordered = lax.rev(updates, places.reversed) if places.reversed else updates
    padding = [
        (start, size - stop, step - 1)
        for size, start, stop, step in zip(shape, places.starts, places.stops, places.steps, strict=True)
    ]
    return lax.pad(ordered, jnp.zeros((), updates.dtype), padding)


@lowering(ops.dynamic_slice)
def dynamic_slice(call: CallMeta, x: Any, *starts: Any) -> Any:
    return lax.dynamic_slice(x, starts, call.results[0].shape)


@lowering(ops.dynamic_update_slice)
def dynamic_update_slice(call: CallMeta, x: Any, update: Any, *starts: Any) -> Any:
    return lax.dynamic_update_slice(x, update, starts)
