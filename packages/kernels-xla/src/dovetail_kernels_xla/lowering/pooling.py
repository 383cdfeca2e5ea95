"""Pooling. The gradients of max pooling choose by the standard's rule: the first of equals, nothing after a NaN."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from dovetail_protocols import operations as ops
from dovetail_protocols.kernels import CallMeta
from dovetail_protocols.operations.pooling import pool_grid
from dovetail_protocols.operations.windows import WindowGrid

from ..placement import shaped
from .registry import lowering, widened


def _grid(call: CallMeta, sizes: tuple[int, ...]) -> WindowGrid:
    given = call.attributes
    return pool_grid(call.operation.short_name, sizes, given["window"], given["strides"], given["padding"])


def _reduced(x: Any, grid: WindowGrid, initial: Any, function: Any) -> Any:
    """Each window's elements brought to one."""
    window, strides = (1, *grid.window, 1), (1, *grid.strides, 1)
    return lax.reduce_window(x, initial, function, window, strides, ((0, 0), *grid.padding, (0, 0)))


def _lowest(dtype: np.dtype[Any]) -> Any:
    return np.array(np.iinfo(dtype).min if dtype.kind in "iu" else -np.inf, dtype)


@lowering(ops.max_pool)
@widened
def max_pool(call: CallMeta, x: Any) -> Any:
    grid = _grid(call, x.shape[1:-1])
    if _is_tiled(grid, x.shape[1:-1]):
        return jnp.max(_as_tiles(x, grid), axis=_axes_in_tiles(grid))
    return _reduced(x, grid, _lowest(x.dtype), lax.max)


@lowering(ops.max_pool_gradient)
@widened
def max_pool_gradient(call: CallMeta, cotangent: Any, x: Any) -> Any:
    grid = _grid(call, x.shape[1:-1])
    chosen = _chosen(x, grid)
    zero = jnp.zeros((), cotangent.dtype)
    if _is_tiled(grid, x.shape[1:-1]):
        inside = _axes_in_tiles(grid)
        numbers = np.arange(np.prod(grid.window), dtype=np.int32).reshape(_shape_in_tiles(grid))
        is_chosen = jnp.expand_dims(chosen, inside) == numbers
        return jnp.where(is_chosen, jnp.expand_dims(cotangent, inside), zero).reshape(x.shape)
    frame_shape = _frame_shape(x.shape, grid)
    frame = jnp.zeros(frame_shape, cotangent.dtype)
    for number, places in enumerate(_offsets(grid)):
        share = jnp.where(chosen == number, cotangent, zero)
        frame = frame + lax.pad(share, zero, _spread(places, share.shape, frame_shape, grid))
    return _interior(frame, x.shape, grid)


@lowering(ops.max_pool_select)
@widened
def max_pool_select(call: CallMeta, values: Any, x: Any) -> Any:
    grid = _grid(call, x.shape[1:-1])
    chosen, frame = _chosen(x, grid), _padded(values, grid, np.zeros((), values.dtype))
    result = jnp.zeros(chosen.shape, values.dtype)
    for number, places in enumerate(_offsets(grid)):
        result = jnp.where(chosen == number, _windows(frame, places, grid), result)
    return result


@lowering(ops.average_pool)
@widened
def average_pool(call: CallMeta, x: Any) -> Any:
    return _averaged(call, x)


@lowering(ops.average_pool_gradient)
@widened
def average_pool_gradient(call: CallMeta, cotangent: Any) -> Any:
    x = shaped(call.results[0].shape, cotangent.dtype)
    return jax.linear_transpose(lambda x: _averaged(call, x), x)(cotangent)[0]


def _averaged(call: CallMeta, x: Any) -> Any:
    grid = _grid(call, x.shape[1:-1])
    shares = _shares(grid, x.shape[1:-1], call.attributes["count_padding"])
    return _reduced(x, grid, np.zeros((), x.dtype), lax.add) * shares.astype(x.dtype)


def _shares(grid: WindowGrid, sizes: tuple[int, ...], count_padding: bool) -> Any:
    """(*output, 1): one over the number of elements in each window, with or without the padding."""
    counts = np.ones(grid.output)
    for axis, size in enumerate(sizes):
        first = np.arange(grid.output[axis]) * grid.strides[axis] - grid.padding[axis][0]
        last = first + grid.window[axis]
        inside = (
            np.full(len(first), grid.window[axis]) if count_padding else np.minimum(last, size) - np.maximum(first, 0)
        )
        counts = counts * inside.reshape((-1,) + (1,) * (len(sizes) - axis - 1))
    return 1.0 / counts[..., None]


# ---------------------------------------------------------------------- windows side by side, which XLA does sooner


def _is_tiled(grid: WindowGrid, sizes: tuple[int, ...]) -> bool:
    """Whether each element is in exactly one window."""
    covered = tuple(count * step for count, step in zip(grid.output, grid.strides, strict=True))
    return grid.window == grid.strides and covered == tuple(sizes) and not any(map(any, grid.padding))


def _as_tiles(x: Any, grid: WindowGrid) -> Any:
    """(batch, *(output, window) for each spatial axis, channels)."""
    pairs = [size for pair in zip(grid.output, grid.window, strict=True) for size in pair]
    return x.reshape(x.shape[0], *pairs, x.shape[-1])


def _axes_in_tiles(grid: WindowGrid) -> tuple[int, ...]:
    return tuple(2 + 2 * axis for axis in range(len(grid.window)))


def _shape_in_tiles(grid: WindowGrid) -> tuple[int, ...]:
    """The window's sizes on its axes, 1 on the others."""
    return (1, *(size for window in grid.window for size in (1, window)), 1)


# ---------------------------------------------------------------------- windows, place by place


def _offsets(grid: WindowGrid) -> Iterator[tuple[int, ...]]:
    """The places in a window, in row-major order."""
    return product(*map(range, grid.window))


def _frame_shape(shape: tuple[int, ...], grid: WindowGrid) -> tuple[int, ...]:
    padded = (low + size + high for size, (low, high) in zip(shape[1:-1], grid.padding, strict=True))
    return (shape[0], *padded, shape[-1])


def _padded(x: Any, grid: WindowGrid, value: Any) -> Any:
    return lax.pad(x, value, [(0, 0, 0), *((low, high, 0) for low, high in grid.padding), (0, 0, 0)])


def _interior(frame: Any, shape: tuple[int, ...], grid: WindowGrid) -> Any:
    starts = (0, *(low for low, _ in grid.padding), 0)
    return lax.slice(frame, starts, [start + size for start, size in zip(starts, shape, strict=True)])


def _windows(frame: Any, places: tuple[int, ...], grid: WindowGrid) -> Any:
    """The elements at one place of every window: (batch, *output, channels)."""
    stops = [
        place + (count - 1) * step + 1 for place, count, step in zip(places, grid.output, grid.strides, strict=True)
    ]
    return lax.slice(frame, (0, *places, 0), (frame.shape[0], *stops, frame.shape[-1]), (1, *grid.strides, 1))


def _spread(
    places: tuple[int, ...], shape: tuple[int, ...], frame_shape: tuple[int, ...], grid: WindowGrid
) -> list[tuple[int, int, int]]:
    """The padding that puts one element of every window back at its place in the frame."""
    spread = [
        (place, whole - place - (count - 1) * step - 1, step - 1)
        for place, count, step, whole in zip(places, shape[1:-1], grid.strides, frame_shape[1:-1], strict=True)
    ]
    return [(0, 0, 0), *spread, (0, 0, 0)]


def _chosen(x: Any, grid: WindowGrid) -> Any:
    """The number of the place in each window that holds its greatest element, the first of equals."""
    frame = _padded(x, grid, _lowest(x.dtype))
    first, *others = _offsets(grid)
    best = _windows(frame, first, grid)
    chosen = jnp.zeros(best.shape, np.int32)
    for number, places in enumerate(others, start=1):
        values = _windows(frame, places, grid)
        chosen = jnp.where(values > best, np.int32(number), chosen)
        best = jnp.maximum(best, values)
    return chosen
