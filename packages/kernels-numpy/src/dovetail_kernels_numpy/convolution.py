"""Convolution and its two gradients as products of matrices, over blocks of images that stay in the cache."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from dovetail_protocols import operations as ops
from dovetail_protocols.kernels import CallMeta
from dovetail_protocols.operations.windows import WindowGrid, extents, window_grid

from .declaration import given_metas, kernel
from .precision import widened
from .windows import (
    blocks,
    frame_shape,
    interior,
    is_padded,
    offsets,
    output_size,
    padded,
    window_size,
    window_view,
)

MANY = 4
"""From so many output channels for each input channel on, spreading the cotangent is quicker than a convolution of it,
which copies window · out_channels numbers for each pixel. Measured on 64×28×28×1 ← 3×3 ← 32: 1.8 ms against 5.9."""


def _grid(call: CallMeta, sizes: tuple[int, ...], window: tuple[int, ...]) -> WindowGrid:
    given = call.attributes
    return window_grid(
        call.operation.short_name,
        sizes,
        window=window,
        strides=given["strides"],
        padding=given["padding"],
        dilation=given["dilation"],
    )


@kernel(ops.conv)
def conv(call: CallMeta) -> Any:
    x, filters = given_metas(call)
    grid, groups = _grid(call, x.shape[1:-1], filters.shape[:-2]), call.attributes["groups"]
    return widened(call, lambda x, filters: convolve(x, filters, grid, groups))


@kernel(ops.conv_filter_gradient)
def conv_filter_gradient(call: CallMeta) -> Any:
    x, _ = given_metas(call)
    grid, groups = _grid(call, x.shape[1:-1], call.attributes["window"]), call.attributes["groups"]
    return widened(call, lambda x, cotangent: gradient_of_filters(x, cotangent, grid, groups))


@kernel(ops.conv_input_gradient)
def conv_input_gradient(call: CallMeta) -> Any:
    _, filters = given_metas(call)
    sizes, groups = call.attributes["spatial_shape"], call.attributes["groups"]
    grid = _grid(call, sizes, filters.shape[:-2])
    reverse = _reverse_grid(grid, sizes)
    if reverse is None or filters.shape[-1] >= MANY * filters.shape[-2] * groups:
        return widened(call, lambda cotangent, filters: spread(cotangent, filters, sizes, grid, groups))
    return widened(call, lambda cotangent, filters: convolve(cotangent, _reversed(filters, groups), reverse, groups))


def convolve(x: Any, filters: Any, grid: WindowGrid, groups: int) -> Any:
    """What `ops.conv` says, for windows that lie as `grid` says."""
    if groups > 1 and filters.shape[-2] == 1:
        return _convolve_depthwise(x, filters, grid)
    count = filters.shape[-1]
    result = np.empty((x.shape[0], *grid.output, count), x.dtype)
    rows = _by_group(result, groups)
    matrices = _by_group(filters, groups)
    for part, columns in _columns(x, grid, groups):
        np.matmul(columns, matrices, out=rows[:, part])
    return result


def gradient_of_filters(x: Any, cotangent: Any, grid: WindowGrid, groups: int) -> Any:
    """What `ops.conv_filter_gradient` says."""
    each = x.shape[-1] // groups
    if groups > 1 and each == 1:
        return _filters_depthwise(x, cotangent, grid)
    rows = _by_group(cotangent, groups)
    total = np.zeros((groups, window_size(grid) * each, rows.shape[-1]), x.dtype)
    for part, columns in _columns(x, grid, groups):
        total += columns.transpose(0, 2, 1) @ rows[:, part]
    return total.transpose(1, 0, 2).reshape(*grid.window, each, cotangent.shape[-1])


def spread(cotangent: Any, filters: Any, sizes: tuple[int, ...], grid: WindowGrid, groups: int) -> Any:
    """What `ops.conv_input_gradient` says, for any strides: each cotangent, times the filters, added to its window."""
    each = filters.shape[-2]
    result = np.empty((cotangent.shape[0], *sizes, each * groups), cotangent.dtype)
    rows, matrices = _by_group(cotangent, groups), _by_group(filters, groups).transpose(0, 2, 1)
    shape = frame_shape(result.shape, grid)
    per_image = output_size(grid) * window_size(grid) * each * groups * cotangent.itemsize
    for images in blocks(len(cotangent), per_image):
        count = images.stop - images.start
        part = slice(images.start * output_size(grid), images.stop * output_size(grid))
        windows = (rows[:, part] @ matrices).reshape(groups, count, *grid.output, window_size(grid), each)
        frame = np.zeros((count, *shape[1:-1], groups, each), cotangent.dtype)
        for number, (_, places) in enumerate(offsets(grid)):
            frame[places] += np.moveaxis(windows[..., number, :], 0, -2)
        result[images] = interior(frame, sizes, grid).reshape(count, *sizes, each * groups)
    return result


def _columns(x: Any, grid: WindowGrid, groups: int) -> Iterator[tuple[slice, Any]]:
    """The windows of x as matrices (groups, outputs, window · channels in a group), block by block, each with the
    numbers of its outputs. A matrix is only good until the next one is asked for."""
    count, each = output_size(grid), x.shape[-1] // groups
    width = window_size(grid) * each
    if groups == 1 and _is_pointwise(grid):
        yield slice(0, len(x) * count), x.reshape(1, len(x) * count, width)
        return
    buffer: Any = None
    for images in blocks(len(x), count * width * groups * x.itemsize):
        view = window_view(padded(x[images], grid), grid)
        grouped = np.moveaxis(view.reshape(*view.shape[:-1], groups, each), -2, 0)
        if buffer is None:
            buffer = np.empty(grouped.shape, x.dtype)
        target = buffer[:, : images.stop - images.start]
        np.copyto(target, grouped)
        yield slice(images.start * count, images.stop * count), target.reshape(groups, -1, width)


def _is_pointwise(grid: WindowGrid) -> bool:
    """Whether each output sees its own place only, so that the input is the matrix of windows as it stands."""
    return window_size(grid) == 1 and all(stride == 1 for stride in grid.strides) and not is_padded(grid)


def _by_group(array: Any, groups: int) -> Any:
    """(groups, everything before the last axis, channels in a group)."""
    channels = array.shape[-1]
    return array.reshape(-1, groups, channels // groups).transpose(1, 0, 2)


def _reverse_grid(grid: WindowGrid, sizes: tuple[int, ...]) -> WindowGrid | None:
    """The windows over the cotangent in which the input gradient is a convolution with reversed filters: for steps of
    one. None for others, and where the padding is wider than a window reaches, which would need a cut."""
    if any(stride != 1 for stride in grid.strides):
        return None
    spans = extents(grid.window, grid.dilation)
    padding = tuple((span - 1 - low, span - 1 - high) for span, (low, high) in zip(spans, grid.padding, strict=True))
    if any(low < 0 or high < 0 for low, high in padding):
        return None
    return WindowGrid(grid.window, grid.strides, grid.dilation, padding, sizes)


def _reversed(filters: Any, groups: int) -> Any:
    """(*window, in/groups, out) as (*window, out/groups, in), every window axis turned round."""
    *window, each, count = filters.shape
    turned = filters[(slice(None, None, -1),) * len(window)].reshape(*window, each, groups, count // groups)
    return np.ascontiguousarray(turned.swapaxes(-1, -3)).reshape(*window, count // groups, groups * each)


def _convolve_depthwise(x: Any, filters: Any, grid: WindowGrid) -> Any:
    """`convolve` where each channel has filters of its own: products of matrices would be one column wide."""
    channels = x.shape[-1]
    weights = filters.reshape(*grid.window, channels, -1)
    result = np.zeros((len(x), *grid.output, *weights.shape[-2:]), x.dtype)
    for images in blocks(len(x), output_size(grid) * filters.shape[-1] * x.itemsize):
        frame, block = padded(x[images], grid), result[images]
        product = np.empty_like(block)
        for place, places in offsets(grid):
            block += np.multiply(frame[places][..., None], weights[place], out=product)
    return result.reshape(len(x), *grid.output, filters.shape[-1])


def _filters_depthwise(x: Any, cotangent: Any, grid: WindowGrid) -> Any:
    channels, frame = x.shape[-1], padded(x, grid)
    given = cotangent.reshape(-1, channels, cotangent.shape[-1] // channels)
    total = np.empty((*grid.window, *given.shape[1:]), x.dtype)
    for place, places in offsets(grid):
        np.einsum("nc,ncm->cm", frame[places].reshape(-1, channels), given, out=total[place])
    return total.reshape(*grid.window, 1, cotangent.shape[-1])
