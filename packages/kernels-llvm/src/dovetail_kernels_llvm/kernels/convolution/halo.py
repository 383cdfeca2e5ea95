"""Copies of what a block of windows sees, padding included, in the memory of a thread.

A block is small enough to stay in the cache, so that the copy costs little, and windows are read from it without any
regard to borders, layouts or dtypes.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from dovetail_protocols.records import record

from ...codegen.builder import Builder, Value
from ...codegen.types import COMPUTED, STORED
from ..kernel import View, c_strides
from .indices import Index, each, greatest, least, minus, plus, times, value, weighted, within
from .runs import copy_run, zero_run


@record
class Halo:
    """The room for a copy: `shape` by axis of pixels, and `channels`, of which `kept` are copied and the rest is zeros
    where `filled`, else anything. `is_inside`: nothing copied lies outside; `batch_inside`: a pixel of all images
    lies together."""

    shape: tuple[int, ...]
    channels: int
    kept: int
    filled: bool = False
    is_inside: bool = False
    batch_inside: bool = False

    @property
    def strides(self) -> tuple[int, ...]:
        """Of the axes of pixels, in elements."""
        if self.batch_inside:
            *others, batch, _ = c_strides((*self.shape[1:], self.shape[0], self.channels))
            return (batch, *others)
        return c_strides((*self.shape, self.channels))[:-1]

    @property
    def size(self) -> int:
        """Elements."""
        return max(prod(self.shape) * self.channels, 1)


def copy_halo(
    b: Builder,
    halo: Halo,
    target: Value,
    source: Value,
    view: View,
    starts: Sequence[Index],
    extents: Sequence[Index],
    kept: Index | None = None,
) -> None:
    """Copies elements of a view (*pixels, channels) into the halo.

    `source`: where the first channel to be copied of pixel (0, …, 0) lies; `starts`: the pixel that the copy's first
    one stands for, which may lie outside; `extents`: how many pixels to copy; `kept`: how many channels, if not those
    that the halo says.
    """
    kept = halo.kept if kept is None else kept

    def rows(axis: int, place: Index, origin: Index, inside: Value | None) -> None:
        if axis == len(extents) - 1:
            _copy_row(b, halo, target, source, view, starts[-1], extents[-1], (place, origin, inside), kept)
            return
        with each(b, 0, extents[axis]) as index:
            pixel = plus(b, starts[axis], index)
            here = inside
            if not halo.is_inside and not (isinstance(pixel, int) and 0 <= pixel < view.shape[axis]):
                here = within(b, pixel, view.shape[axis])
                here = here if inside is None else b.operate("and", inside, here)
            rows(
                axis + 1,
                plus(b, place, times(b, index, halo.strides[axis])),
                plus(b, origin, times(b, pixel, view.strides[axis])),
                here,
            )

    rows(0, 0, 0, None)


def _copy_row(
    b: Builder,
    halo: Halo,
    target: Value,
    source: Value,
    view: View,
    start: Index,
    extent: Index,
    row: tuple[Index, Index, Value | None],
    kept: Index,
) -> None:
    """Copies along the last axis of pixels: zeros before, what is there, zeros after."""
    place, origin, inside = row
    element = COMPUTED[view.dtype]
    if halo.is_inside:
        source = b.offset(source, weighted(b, (origin, start), (1, view.strides[-2])), STORED[view.dtype])
        _copy_pixels(b, halo, b.offset(target, place, element), source, view, extent, kept)
        return
    low = least(b, greatest(b, minus(b, 0, start), 0), extent)
    high = greatest(b, least(b, minus(b, view.shape[-2], start), extent), low)
    if inside is not None:
        high = b.select(inside, value(b, high), value(b, low))
    width = halo.strides[-1]
    target = b.offset(target, place, element)
    if not (isinstance(low, int) and low == 0):
        zero_run(b, element, target, times(b, low, width))
    there = b.offset(target, times(b, low, width), element)
    source = b.offset(source, weighted(b, (origin, plus(b, start, low)), (1, view.strides[-2])), STORED[view.dtype])
    count = minus(b, high, low)
    _copy_pixels(b, halo, there, source, view, count, kept)
    if not (isinstance(high, int) and isinstance(extent, int) and high == extent):
        zero_run(b, element, b.offset(target, times(b, high, width), element), times(b, minus(b, extent, high), width))


def _copy_pixels(b: Builder, halo: Halo, target: Value, source: Value, view: View, count: Index, kept: Index) -> None:
    """Copies the channels of pixels that lie in a row."""
    width, element = halo.strides[-1], COMPUTED[view.dtype]
    if view.strides[-1] == 1 and isinstance(kept, int) and view.strides[-2] == kept == width:
        copy_run(b, view.dtype, source, 1, target, times(b, count, width))
    else:
        with each(b, 0, count) as index:
            pixel = b.offset(source, times(b, index, view.strides[-2]), STORED[view.dtype])
            copied = b.offset(target, times(b, index, width), element)
            copy_run(b, view.dtype, pixel, view.strides[-1], copied, kept)
            if halo.filled and halo.channels > halo.kept:
                zero_run(b, element, b.offset(copied, kept, element), halo.channels - halo.kept)
