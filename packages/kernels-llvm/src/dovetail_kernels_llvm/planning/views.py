"""Operations that only look at memory in another way: each as a view of its operand's view."""

from __future__ import annotations

from collections.abc import Sequence

from dovetail_protocols.records import replace

from ..kernels.kernel import View, c_strides
from .ops import Op

VIEWS = frozenset(
    {"reshape", "permute_dims", "broadcast_to", "slice", "stop_gradient", "positive", "squeeze", "expand_dims"}
)
"""The operations that `view_of` knows."""


def view_of(op: Op, view: View) -> View | None:
    """What an operation of VIEWS gives, as a view of its operand's; None where elements would have to move."""
    wanted = op.outputs[0].shape
    if op.name == "permute_dims":
        return permuted(view, axes_of(op))
    if op.name == "broadcast_to":
        return broadcast(view, wanted)
    if op.name == "slice":
        return sliced(view, bounds(op, view.shape), wanted)
    if op.name in ("stop_gradient", "positive"):
        return view
    return reshaped(view, wanted)


def axes_of(op: Op) -> tuple[int, ...]:
    """The axes of a permute_dims, counted from the front."""
    ndim = len(op.outputs[0].shape)
    axes = op.attributes["axes"]
    return tuple(reversed(range(ndim))) if axes is None else tuple(axis % ndim for axis in axes)


def bounds(op: Op, shape: Sequence[int]) -> list[tuple[int, int]]:
    """(start, stride) along each axis of a slice's operand."""
    starts, stops = op.attributes["starts"], op.attributes["stops"]
    strides = op.attributes["strides"] or (None,) * len(starts)
    found = [
        (slice(start, stop, stride).indices(size)[0], stride or 1)
        for start, stop, stride, size in zip(starts, stops, strides, shape, strict=False)
    ]
    return found + [(0, 1)] * (len(shape) - len(found))


def permuted(view: View, axes: Sequence[int]) -> View:
    """The view with axis k of the result the given one of the operand."""
    return replace(
        view,
        shape=tuple(view.shape[axis] for axis in axes),
        strides=tuple(view.strides[axis] for axis in axes),
    )


def broadcast(view: View, shape: tuple[int, ...]) -> View:
    """The view repeated along new leading axes and along those of size 1."""
    missing = len(shape) - len(view.shape)
    strides = [
        0 if size == 1 and wanted != 1 else stride
        for size, wanted, stride in zip(view.shape, shape[missing:], view.strides, strict=True)
    ]
    return replace(view, shape=tuple(shape), strides=(*(0,) * missing, *strides))


def repeated(view: View, shape: tuple[int, ...]) -> View:
    """A view of one element as one of any shape that has it everywhere."""
    return replace(view, shape=shape, strides=(0,) * len(shape))


def sliced(view: View, ranges: Sequence[tuple[int, int]], shape: tuple[int, ...]) -> View:
    """The part of a view of the given shape that starts at `ranges` (start, stride) along each axis."""
    offset = view.offset
    if 0 not in shape:
        offset += sum(start * stride for (start, _), stride in zip(ranges, view.strides, strict=True))
    strides = tuple(step * stride for (_, step), stride in zip(ranges, view.strides, strict=True))
    return replace(view, shape=tuple(shape), strides=strides, offset=offset)


def reshaped(view: View, shape: tuple[int, ...]) -> View | None:
    """The elements of a view in row-major order under another shape; None where that is no view."""
    if view.size == 0 or 0 in shape:
        return replace(view, shape=tuple(shape), strides=c_strides(tuple(shape)))
    merged = merged_axes(view)
    strides: list[int] = []
    place = 0
    left, step = (merged[0][0], merged[0][1] * merged[0][0]) if merged else (1, 1)
    for size in shape:
        if size == 1:
            strides.append(0)
            continue
        while left == 1:
            place += 1
            left, step = merged[place][0], merged[place][1] * merged[place][0]
        if left % size:
            return None
        left //= size
        step //= size
        strides.append(step)
    return replace(view, shape=tuple(shape), strides=tuple(strides))


def merged_axes(view: View) -> list[tuple[int, int]]:
    """(size, stride) of the axes, with neighbors that lie one after the other made one, those of size 1 left out."""
    merged: list[tuple[int, int]] = []
    for size, stride in zip(view.shape, view.strides, strict=True):
        if size == 1:
            continue
        if merged and merged[-1][1] == size * stride:
            merged[-1] = (merged[-1][0] * size, stride)
        else:
            merged.append((size, stride))
    return merged
