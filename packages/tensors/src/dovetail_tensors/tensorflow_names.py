"""TensorFlow's spellings of what the array API names otherwise, as far as its Core API guides use them.

Source: TensorFlow 2, tf and tf.math.
"""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from typing import Any

from dovetail_protocols import dtypes as dt
from dovetail_protocols import operations as ops

from . import array_functions as functions
from .array_functions import Axes
from .conversion import convert
from .creation import DTypeName, arange, as_shape, full, zeros
from .numpy_dtypes import find_dtype
from .tensor import Tensor


def convert_to_tensor(
    value: Any, dtype: DTypeName = None, dtype_hint: DTypeName = None, name: str | None = None
) -> Tensor:
    """A tensor of a number, nested sequence, array, variable or tensor. `dtype_hint` holds for Python numbers only."""
    if dtype is None and dtype_hint is not None and isinstance(value, (int, float, list, tuple)):
        return convert(value, dtype_hint)
    return convert(value, dtype)


def constant(
    value: Any, dtype: DTypeName = None, shape: Any = None, name: str | None = None, device: Any = None
) -> Tensor:
    """A tensor of a number, nested sequence, array, variable or tensor; memory of others is copied.

    With `shape`, one number fills it, and more are laid out in it in row-major order.
    """
    result = convert(value, dtype, device)
    if shape is None:
        return result
    sizes = as_shape(shape)
    return ops.broadcast_to(result, shape=sizes) if result.size == 1 else ops.reshape(result, shape=sizes)


def cast(x: Any, dtype: DTypeName, name: str | None = None) -> Tensor:
    """The elements in another dtype; floats to integers truncate toward zero."""
    return ops.cast(x, dtype=find_dtype(dtype))


def fill(dims: Any, value: Any) -> Tensor:
    """A tensor of a shape with a value everywhere."""
    return full(dims, value)


def shape(input: Any, out_type: DTypeName = "int32") -> Tensor:
    """The sizes of the axes as a tensor; `.shape` has them as a tuple."""
    sizes = convert(input).shape
    return convert(list(sizes), find_dtype(out_type)) if sizes else zeros((0,), out_type)


def size(input: Any, out_type: DTypeName = "int32") -> Tensor:
    """The number of elements as a 0-d tensor."""
    return convert(convert(input).size, find_dtype(out_type))


def rank(input: Any) -> Tensor:
    """The number of axes as a 0-d tensor."""
    return convert(convert(input).ndim, dt.int32)


def transpose(a: Any, perm: Sequence[int] | None = None) -> Tensor:
    """The axes in another order; reversed when none is given."""
    a = convert(a)
    return ops.permute_dims(a, axes=tuple(reversed(builtins.range(a.ndim))) if perm is None else as_shape(perm))


def gather(params: Any, indices: Any, axis: int | None = None, batch_dims: int = 0) -> Tensor:
    """The parts of `params` at places of an axis; with batch axes each example is taken from by its own indices."""
    return ops.gather(params, indices, axis=axis, batch_dims=batch_dims)


def gather_nd(params: Any, indices: Any, batch_dims: int = 0) -> Tensor:
    """The parts of `params` at index vectors."""
    return ops.gather_nd(params, indices, batch_dims=batch_dims)


def scatter_nd(indices: Any, updates: Any, shape: Any) -> Tensor:
    """Zeros of a shape to which updates are added at index vectors."""
    return ops.scatter_nd(indices, updates, shape=as_shape(shape))


def slice(input_: Any, begin: Any, size: Any) -> Tensor:
    """The part that begins at `begin` and has the given sizes, -1 for all that is left of an axis."""
    starts, sizes = _bounds(begin), _bounds(size)
    stops = tuple(None if size == -1 else start + size for start, size in zip(starts, sizes, strict=True))
    return ops.slice(input_, starts=starts, stops=stops)


def _bounds(places: Any) -> tuple[int, ...]:
    if isinstance(places, Tensor):
        places = places.tolist()
    return tuple(place if isinstance(place, int) else place.__index__() for place in places)


def strided_slice(
    input_: Any,
    begin: Any,
    end: Any,
    strides: Any = None,
    begin_mask: int = 0,
    end_mask: int = 0,
    ellipsis_mask: int = 0,
    new_axis_mask: int = 0,
    shrink_axis_mask: int = 0,
) -> Tensor:
    """The part from `begin` to `end` in strides; bit k of a mask changes what entry k means."""
    return ops.strided_slice(
        input_,
        begin=_bounds(begin),
        end=_bounds(end),
        strides=None if strides is None else _bounds(strides),
        begin_mask=begin_mask,
        end_mask=end_mask,
        ellipsis_mask=ellipsis_mask,
        new_axis_mask=new_axis_mask,
        shrink_axis_mask=shrink_axis_mask,
    )


def boolean_mask(tensor: Any, mask: Any, axis: int = 0) -> Tensor:
    """The parts of a tensor where a mask holds."""
    return ops.boolean_mask(tensor, mask, axis=axis)


def one_hot(
    indices: Any,
    depth: int,
    on_value: complex = 1,
    off_value: complex = 0,
    axis: int = -1,
    dtype: DTypeName = "float32",
) -> Tensor:
    """`on_value` where a new axis of size `depth` meets the index, else `off_value`."""
    return ops.one_hot(indices, depth=depth, on_value=on_value, off_value=off_value, axis=axis, dtype=find_dtype(dtype))


def split(value: Any, num_or_size_splits: Any, axis: int = 0) -> tuple[Tensor, ...]:
    """Parts of a tensor along an axis: as many of one size, or of the sizes listed; one of them may be -1."""
    value = convert(value)
    if isinstance(num_or_size_splits, int):
        return ops.split(value, sections=num_or_size_splits, axis=axis)
    sizes = list(_bounds(num_or_size_splits))
    if -1 in sizes:
        sizes[sizes.index(-1)] = value.shape[axis] - sum(sizes) - 1
    return ops.split(value, sections=tuple(sizes), axis=axis)


def pad(tensor: Any, paddings: Any, mode: str = "constant", constant_values: complex = 0) -> Tensor:
    """A tensor with elements put on before and after each axis. `paddings`: (axes, 2)."""
    pairs = paddings.tolist() if hasattr(paddings, "tolist") else paddings
    return ops.pad(tensor, padding=tuple(map(tuple, pairs)), mode=mode.lower(), value=constant_values)


def range(start: Any, limit: Any = None, delta: Any = 1, dtype: DTypeName = None) -> Tensor:
    """start, start + delta, … below `limit`; from 0 to `start` where `limit` is left out."""
    return arange(start, limit, delta, dtype)


def add_n(inputs: Sequence[Any]) -> Tensor:
    """The sum of some tensors of one shape."""
    total = convert(inputs[0])
    for other in inputs[1:]:
        total = total + other
    return total


def identity(input: Any) -> Tensor:
    """The same tensor."""
    return convert(input)


def reduce_sum(input_tensor: Any, axis: Axes = None, keepdims: bool = False) -> Tensor:
    """The sum over some axes, or all, in the tensor's dtype."""
    return ops.sum(input_tensor, axis=functions._axes(axis), keepdims=keepdims)


def reduce_prod(input_tensor: Any, axis: Axes = None, keepdims: bool = False) -> Tensor:
    """The product over some axes, or all, in the tensor's dtype."""
    return ops.prod(input_tensor, axis=functions._axes(axis), keepdims=keepdims)


def top_k(input: Any, k: int = 1) -> tuple[Tensor, Tensor]:
    """(values, places) of the k greatest elements along the last axis, greatest first."""
    values, places = ops.top_k(input, k=k)
    return values, places


def tensor_scatter_nd_min(tensor: Any, indices: Any, updates: Any) -> Tensor:
    """The lesser of a tensor and updates at index vectors."""
    return ops.tensor_scatter_nd_min(tensor, indices, updates)


reduce_all = functions.all
reduce_any = functions.any
reduce_logsumexp = functions.logsumexp
reduce_max = functions.max
reduce_mean = functions.mean
reduce_min = functions.min
reduce_std = functions.std
reduce_variance = functions.var
