"""Pooling: for each place in the window, one pass over all windows at once."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from dovetail_protocols import operations as ops
from dovetail_protocols.kernels import CallMeta
from dovetail_protocols.operations.pooling import pool_grid
from dovetail_protocols.operations.windows import WindowGrid

from .declaration import given_metas, kernel
from .dtypes import numpy_dtype
from .precision import widened
from .windows import blocks, frame_shape, interior, offsets, padded, window_size


def _grid(call: CallMeta, sizes: tuple[int, ...]) -> WindowGrid:
    given = call.attributes
    return pool_grid(call.operation.short_name, sizes, given["window"], given["strides"], given["padding"])


@kernel(ops.max_pool)
def max_pool(call: CallMeta) -> Any:
    (x,) = given_metas(call)
    grid, lowest = _grid(call, x.shape[1:-1]), _lowest(numpy_dtype(x.dtype))

    def run(x: Any) -> Any:
        frame = padded(x, grid, lowest)
        (_, first), *others = offsets(grid)
        result = frame[first].copy()
        for _, places in others:
            np.maximum(result, frame[places], out=result)
        return result

    return widened(call, run)


@kernel(ops.max_pool_gradient)
def max_pool_gradient(call: CallMeta) -> Any:
    _, x = given_metas(call)
    grid = _grid(call, x.shape[1:-1])

    def run(cotangent: Any, x: Any) -> Any:
        result = np.empty(x.shape, x.dtype)
        for images in blocks(len(x), prod(x.shape[1:]) * x.itemsize):
            chosen = _chosen(x[images], grid)
            frame = np.zeros(frame_shape(x[images].shape, grid), x.dtype)
            for number, (_, places) in enumerate(offsets(grid)):
                frame[places] += _only(cotangent[images], chosen == number)
            result[images] = interior(frame, x.shape[1:-1], grid)
        return result

    return widened(call, run)


@kernel(ops.max_pool_select)
def max_pool_select(call: CallMeta) -> Any:
    _, x = given_metas(call)
    grid = _grid(call, x.shape[1:-1])

    def run(values: Any, x: Any) -> Any:
        chosen, frame = _chosen(x, grid), padded(values, grid)
        result = np.zeros(chosen.shape, values.dtype)
        for number, (_, places) in enumerate(offsets(grid)):
            result += _only(frame[places], chosen == number)
        return result

    return widened(call, run)


def _chosen(x: Any, grid: WindowGrid) -> Any:
    """The number of the place in each window that holds its greatest element, the first of equals."""
    frame = padded(x, grid, _lowest(x.dtype))
    (_, first), *others = offsets(grid)
    best = frame[first].copy()
    narrow = window_size(grid) < 256
    chosen = np.zeros(best.shape, np.uint8 if narrow else np.uint32)
    for number, (_, places) in enumerate(others, start=1):
        better = frame[places] > best
        # Numbers grow, so that a better place is also the larger number: no slow masked write is needed.
        np.maximum(chosen, np.multiply(better, chosen.dtype.type(number)), out=chosen)
        np.maximum(best, frame[places], out=best)
    return chosen


def _only(values: Any, kept: Any) -> Any:
    """Values where `kept` holds, else 0. By masks of bits, which is 5 times as quick as np.where and, other than a
    product, right for infinities."""
    integers = np.dtype(f"i{values.itemsize}")
    masks = np.negative(kept.view(np.int8), dtype=integers)
    return np.bitwise_and(values.view(integers), masks, out=masks).view(values.dtype)


def _lowest(dtype: np.dtype[Any]) -> Any:
    """What is less than everything else of a dtype, as padding of a maximum."""
    return np.iinfo(dtype).min if dtype.kind in "iu" else -np.inf


@kernel(ops.average_pool)
def average_pool(call: CallMeta) -> Any:
    (x,) = given_metas(call)
    grid = _grid(call, x.shape[1:-1])
    shares = _shares(grid, x.shape[1:-1], call.attributes["count_padding"])

    def run(x: Any) -> Any:
        frame = padded(x, grid)
        (_, first), *others = offsets(grid)
        result = frame[first].copy()
        for _, places in others:
            result += frame[places]
        result *= shares.astype(x.dtype)
        return result

    return widened(call, run)


@kernel(ops.average_pool_gradient)
def average_pool_gradient(call: CallMeta) -> Any:
    sizes, shape = call.attributes["spatial_shape"], call.results[0].shape
    grid = _grid(call, sizes)
    shares = _shares(grid, sizes, call.attributes["count_padding"])

    def run(cotangent: Any) -> Any:
        given = cotangent * shares.astype(cotangent.dtype)
        frame = np.zeros(frame_shape(shape, grid), cotangent.dtype)
        for _, places in offsets(grid):
            frame[places] += given
        return interior(frame, sizes, grid)

    return widened(call, run)


def _shares(grid: WindowGrid, sizes: tuple[int, ...], count_padding: bool) -> Any:
    """(*output, 1): one over the number of elements in each window, with or without the padding."""
    counted = np.ones((1, *sizes, 1))
    frame = padded(counted, grid, 1.0 if count_padding else 0.0)
    return 1.0 / sum(frame[places] for _, places in offsets(grid))[0]
