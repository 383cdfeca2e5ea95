"""Batching of manipulations of shape, of joining, padding and slicing: the axes of an example come after the batch."""

from __future__ import annotations

from typing import Any

from dovetail_protocols import operations as ops
from dovetail_protocols.metas import TensorMeta
from dovetail_protocols.operations.shape_rules import normalize_axes, normalize_axis
from dovetail_protocols.operations.tiling import padding_pairs

from ..extend import batching_of


def example_meta(x: Any) -> TensorMeta:
    """The meta of one example of an array (batch, …)."""
    return TensorMeta(x.shape[1:], x.dtype, x.device)


def with_batch(size: int, is_batched: bool, x: Any) -> Any:
    """x: (batch, …) as it is; what is the same for all examples is repeated along a batch axis."""
    return x if is_batched else ops.broadcast_to(x, shape=(size, *x.shape))


@batching_of(ops.reshape)
def reshape(size: int, is_batched: Any, x: Any, *, shape: Any, copy: bool | None) -> Any:
    result = ops.reshape.infer([example_meta(x)], {"shape": shape, "copy": copy})
    assert isinstance(result, TensorMeta)
    return ops.reshape(x, shape=(size, *result.shape), copy=copy)


@batching_of(ops.broadcast_to)
def broadcast_to(size: int, is_batched: Any, x: Any, *, shape: Any) -> Any:
    result = ops.broadcast_to.infer([example_meta(x)], {"shape": shape})
    assert isinstance(result, TensorMeta)
    added = result.ndim - (len(x.shape) - 1)
    aligned = ops.reshape(x, shape=(size, *(1 for _ in range(added)), *x.shape[1:])) if added else x
    return ops.broadcast_to(aligned, shape=(size, *result.shape))


@batching_of(ops.permute_dims)
def permute_dims(size: int, is_batched: Any, x: Any, *, axes: Any) -> Any:
    ops.permute_dims.infer([example_meta(x)], {"axes": axes})
    rank = len(x.shape) - 1
    order = range(rank)[::-1] if axes is None else normalize_axes("permute_dims", axes, rank, argument="axes")
    return ops.permute_dims(x, axes=(0, *(place + 1 for place in order)))


@batching_of(ops.concat)
def concat(size: int, is_batched: Any, *arrays: Any, axis: int | None) -> Any:
    batches = [with_batch(size, batched, array) for batched, array in zip(is_batched, arrays, strict=True)]
    if axis is None:
        lines = [ops.reshape(batch, shape=(size, example_meta(batch).size)) for batch in batches]
        return ops.concat(*lines, axis=1)
    return ops.concat(*batches, axis=normalize_axis("concat", axis, len(batches[0].shape) - 1) + 1)


@batching_of(ops.pad_constant)
def pad_constant(size: int, is_batched: Any, x: Any, *, padding: Any, value: complex) -> Any:
    pairs = padding_pairs("pad_constant", padding, len(x.shape) - 1)
    return ops.pad_constant(x, padding=((0, 0), *pairs), value=value)


# ---------------------------------------------------------------------- slices


def _after_batch(places: Any) -> Any:
    return None if places is None else (None, *places)


@batching_of(ops.slice)
def slice(size: int, is_batched: Any, x: Any, *, starts: Any, stops: Any, strides: Any) -> Any:
    ops.slice.infer([example_meta(x)], {"starts": starts, "stops": stops, "strides": strides})
    return ops.slice(x, starts=_after_batch(starts), stops=_after_batch(stops), strides=_after_batch(strides))


@batching_of(ops.scatter_slice)
def scatter_slice(
    size: int, is_batched: Any, updates: Any, *, shape: Any, starts: Any, stops: Any, strides: Any
) -> Any:
    return ops.scatter_slice(
        updates,
        shape=(size, *shape),
        starts=_after_batch(starts),
        stops=_after_batch(stops),
        strides=_after_batch(strides),
    )


@batching_of(ops.dynamic_slice)
def dynamic_slice(size: int, is_batched: Any, x: Any, *starts: Any, sizes: Any) -> Any:
    if not any(is_batched[1:]):
        return ops.dynamic_slice(x, *_first_zero(starts), sizes=(size, *sizes))
    shape = x.shape[1:] if is_batched[0] else x.shape
    vectors = _window(size, is_batched[1:], starts, shape, sizes)
    return ops.gather_nd(x, vectors, batch_dims=1 if is_batched[0] else 0)


@batching_of(ops.dynamic_update_slice)
def dynamic_update_slice(size: int, is_batched: Any, x: Any, update: Any, *starts: Any) -> Any:
    x, update = with_batch(size, is_batched[0], x), with_batch(size, is_batched[1], update)
    if not any(is_batched[2:]):
        return ops.dynamic_update_slice(x, update, *_first_zero(starts))
    vectors = _window(size, is_batched[2:], starts, x.shape[1:], update.shape[1:])
    return ops.scatter(x, with_example_numbers(vectors), update)


def _first_zero(starts: Any) -> tuple[Any, ...]:
    """Starts for an array with a batch axis before its others, which is taken whole."""
    if not starts:
        return (0,)
    return ops.full(shape=(), fill_value=0, dtype=starts[0].dtype, device=starts[0].device), *starts


def _window(size: int, is_batched: Any, starts: Any, shape: Any, sizes: Any) -> Any:
    """(batch, *sizes, rank): the index vector of every element of the window that each example's starts give."""
    rank = len(sizes)
    columns = []
    for axis, (start, batched) in enumerate(zip(starts, is_batched, strict=True)):
        first = ops.cast(start, dtype="int64")
        first = ops.clip(ops.where(first < 0, first + shape[axis], first), 0, shape[axis] - sizes[axis])
        if batched:
            first = ops.reshape(first, shape=(size, *(1 for _ in range(rank))))
        line = tuple(sizes[axis] if place == axis else 1 for place in range(rank))
        numbers = first + ops.reshape(ops.arange(start=sizes[axis], dtype="int64", device=start.device), shape=line)
        columns.append(ops.broadcast_to(numbers, shape=(size, *sizes)))
    return ops.stack(*columns, axis=-1)


def with_example_numbers(vectors: Any) -> Any:
    """Index vectors (batch, …, depth) that point into the batch too: each example's number comes first."""
    numbers = ops.arange(start=vectors.shape[0], dtype=vectors.dtype, device=vectors.device)
    column = ops.reshape(numbers, shape=(vectors.shape[0], *(1 for _ in vectors.shape[1:])))
    return ops.concat(ops.broadcast_to(column, shape=(*vectors.shape[:-1], 1)), vectors, axis=-1)
