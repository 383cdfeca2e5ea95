"""Windows over the spatial axes of a NumPy array, channels last: padding, strided views, and slices for each offset."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from math import prod
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from dovetail_protocols.operations.windows import WindowGrid

BLOCK_BYTES = 1 << 22
"""Working memory of one block of images. Measured on 64×28×28×32 → 3×3 → 64: anything from 0.5 to 8 MiB is as quick
and 1.5 times as quick as all images at once, because a block stays in the cache between copy and product. Few large
blocks are better than many small ones where others want the cores, since BLAS waits for its threads in each."""


def blocks(count: int, bytes_each: int) -> Iterator[slice]:
    """The images in runs that need about BLOCK_BYTES of working memory each."""
    step = max(1, BLOCK_BYTES // max(bytes_each, 1))
    for start in range(0, count, step):
        yield slice(start, min(start + step, count))


def is_padded(grid: WindowGrid) -> bool:
    return any(low or high for low, high in grid.padding)


def frame_shape(shape: tuple[int, ...], grid: WindowGrid) -> tuple[int, ...]:
    """The shape of (batch, *spatial, channels) with padding around."""
    sizes = (size + low + high for size, (low, high) in zip(shape[1:-1], grid.padding, strict=True))
    return (shape[0], *sizes, shape[-1])


def interior(frame: Any, sizes: tuple[int, ...], grid: WindowGrid) -> Any:
    """The part of a padded array that isn't padding, as a view."""
    inner = (slice(low, low + size) for size, (low, _) in zip(sizes, grid.padding, strict=True))
    return frame[(slice(None), *inner)]


def padded(x: Any, grid: WindowGrid, fill: float = 0) -> Any:
    """x with padding around; x itself where there is none."""
    if not is_padded(grid):
        return x
    frame = np.full(frame_shape(x.shape, grid), fill, x.dtype)
    interior(frame, x.shape[1:-1], grid)[...] = x
    return frame


def window_view(frame: Any, grid: WindowGrid) -> Any:
    """(batch, *output, *window, channels): every window of a padded array, without copying."""
    batch, *steps, channel = frame.strides
    return as_strided(
        frame,
        (frame.shape[0], *grid.output, *grid.window, frame.shape[-1]),
        (
            batch,
            *(step * stride for step, stride in zip(steps, grid.strides, strict=True)),
            *(step * dilation for step, dilation in zip(steps, grid.dilation, strict=True)),
            channel,
        ),
        writeable=False,
    )


def offsets(grid: WindowGrid) -> Iterator[tuple[tuple[int, ...], tuple[slice, ...]]]:
    """Each place in the window, in row-major order, with the slices of a padded array (batch first) that hold the
    elements which all windows have in that place."""
    for place in product(*map(range, grid.window)):
        starts = [at * dilation for at, dilation in zip(place, grid.dilation, strict=True)]
        yield (
            place,
            (
                slice(None),
                *(
                    slice(start, start + (count - 1) * stride + 1, stride)
                    for start, count, stride in zip(starts, grid.output, grid.strides, strict=True)
                ),
            ),
        )


def window_size(grid: WindowGrid) -> int:
    return prod(grid.window)


def output_size(grid: WindowGrid) -> int:
    return prod(grid.output)
