"""Slices."""

from __future__ import annotations

from operator import itemgetter
from typing import Any

import numpy as np

from dovetail_protocols import operations as ops
from dovetail_protocols.kernels import CallMeta

from .declaration import kernel
from .dtypes import numpy_dtype

# This module's kernels are named after operations, `slice` among them.
_Slice = slice


@kernel(ops.slice, binding="per_dtype")
def slice(call: CallMeta) -> Any:
    return itemgetter(_key(call))


def _key(call: CallMeta) -> tuple[Any, ...]:
    starts, stops, strides = (call.attributes[name] for name in ("starts", "stops", "strides"))
    if strides is None:
        return tuple(map(_Slice, starts, stops))
    return tuple(map(_Slice, starts, stops, strides))


@kernel(ops.scatter_slice)
def scatter_slice(call: CallMeta) -> Any:
    key, shape, dtype = _key(call), call.results[0].shape, numpy_dtype(call.results[0].dtype)

    def run(updates: Any) -> Any:
        result = np.zeros(shape, dtype)
        result[key] = updates
        return result

    return run


@kernel(ops.dynamic_slice)
def dynamic_slice(call: CallMeta) -> Any:
    source: Any = call.operands[0]
    place = _window(source.shape, call.results[0].shape)
    return lambda x, *starts: x[place(starts)]


@kernel(ops.dynamic_update_slice)
def dynamic_update_slice(call: CallMeta) -> Any:
    part: Any = call.operands[1]
    place = _window(call.results[0].shape, part.shape)

    def run(x: Any, update: Any, *starts: Any) -> Any:
        result = x.copy()
        result[place(starts)] = update
        return result

    return run


def _window(whole: tuple[int, ...], sizes: tuple[int, ...]) -> Any:
    """From starts to the index of the part of those sizes: negative ones count from the end, all are clamped."""
    axes = tuple((size, length, size - length) for size, length in zip(whole, sizes, strict=True))

    def place(starts: tuple[Any, ...]) -> tuple[Any, ...]:
        key = []
        for start, (size, length, last) in zip(map(int, starts), axes, strict=True):
            first = min(max(start + size if start < 0 else start, 0), last)
            key.append(_Slice(first, first + length))
        return tuple(key)

    return place
