"""Convolutions of batches: examples join the batch axis, and filters of their own become groups."""

from __future__ import annotations

from typing import Any

from dovetail_protocols import operations as ops

from ..extend import batching_of


def joined(array: Any) -> Any:
    """(size, batch, …) as (size · batch, …)."""
    return ops.reshape(array, shape=(array.shape[0] * array.shape[1], *array.shape[2:]))


def parted(array: Any, size: int) -> Any:
    """(size · batch, …) as (size, batch, …)."""
    return ops.reshape(array, shape=(size, array.shape[0] // size, *array.shape[1:]))


def _everywhere(array: Any, size: int, batched: bool) -> Any:
    return array if batched else ops.broadcast_to(array, shape=(size, *array.shape))


def _as_channels(array: Any) -> Any:
    """(size, …, channels) as (…, size · channels): each example's channels are groups of their own."""
    moved = ops.moveaxis(array, source=0, destination=-2)
    return ops.reshape(moved, shape=(*moved.shape[:-2], moved.shape[-2] * moved.shape[-1]))


def _from_channels(array: Any, size: int) -> Any:
    """(…, size · channels) as (size, …, channels)."""
    split = ops.reshape(array, shape=(*array.shape[:-1], size, array.shape[-1] // size))
    return ops.moveaxis(split, source=-2, destination=0)


@batching_of(ops.conv)
def conv(size: int, is_batched: Any, x: Any, filters: Any, *, groups: int, **attributes: Any) -> Any:
    if not is_batched[1]:
        return parted(ops.conv(joined(x), filters, groups=groups, **attributes), size)
    if not is_batched[0] and groups == 1:  # all filters see the same channels
        return _from_channels(ops.conv(x, _as_channels(filters), **attributes), size)
    x = _as_channels(_everywhere(x, size, is_batched[0]))
    return _from_channels(ops.conv(x, _as_channels(filters), groups=groups * size, **attributes), size)


@batching_of(ops.conv_input_gradient)
def conv_input_gradient(
    size: int, is_batched: Any, cotangent: Any, filters: Any, *, groups: int, **attributes: Any
) -> Any:
    if not is_batched[1]:
        return parted(ops.conv_input_gradient(joined(cotangent), filters, groups=groups, **attributes), size)
    cotangent = _as_channels(_everywhere(cotangent, size, is_batched[0]))
    result = ops.conv_input_gradient(cotangent, _as_channels(filters), groups=groups * size, **attributes)
    return _from_channels(result, size)


@batching_of(ops.conv_filter_gradient)
def conv_filter_gradient(size: int, is_batched: Any, x: Any, cotangent: Any, *, groups: int, **attributes: Any) -> Any:
    if not is_batched[0] and groups == 1:  # one image, a cotangent for each example: more output channels
        return _from_channels(ops.conv_filter_gradient(x, _as_channels(cotangent), **attributes), size)
    x = _as_channels(_everywhere(x, size, is_batched[0]))
    cotangent = _as_channels(_everywhere(cotangent, size, is_batched[1]))
    return _from_channels(ops.conv_filter_gradient(x, cotangent, groups=groups * size, **attributes), size)
