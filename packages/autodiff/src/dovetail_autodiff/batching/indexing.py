"""Batching of gathering, scattering, searching and sorting."""

from __future__ import annotations

from typing import Any

from dovetail_protocols import operations as ops
from dovetail_protocols.operation import Operation
from dovetail_protocols.operations.shape_rules import normalize_axis

from ..extend import batching_of
from .elementwise import elementwise
from .manipulation import example_meta, with_batch, with_example_numbers
from .reductions import along_axis

elementwise(ops.where)
for _operation in (ops.sort, ops.argsort):
    along_axis(_operation)


@batching_of(ops.take)
def take(size: int, is_batched: Any, x: Any, indices: Any, *, axis: int | None) -> Any:
    meta = example_meta(x) if is_batched[0] else x.meta
    ops.take.infer([meta, example_meta(indices) if is_batched[1] else indices.meta], {"axis": axis})
    place = normalize_axis("take", axis or 0, meta.ndim)
    if not is_batched[1]:
        return ops.take(x, indices, axis=place + 1)
    if is_batched[0]:
        return ops.gather(x, indices, axis=place + 1, batch_dims=1)
    return ops.moveaxis(ops.take(x, indices, axis=place), source=place, destination=0)


@batching_of(ops.take_along_axis)
def take_along_axis(size: int, is_batched: Any, x: Any, indices: Any, *, axis: int) -> Any:
    place = normalize_axis("take_along_axis", axis, len(x.shape) - is_batched[0])
    return ops.take_along_axis(*_with_axis(is_batched, x, indices), axis=place + 1)


@batching_of(ops.put_along_axis)
def put_along_axis(size: int, is_batched: Any, x: Any, indices: Any, values: Any, *, axis: int, mode: str) -> Any:
    place = normalize_axis("put_along_axis", axis, len(x.shape) - is_batched[0])
    x = with_batch(size, is_batched[0], x)
    values = ops.reshape(values, shape=_padded(values.shape, is_batched[2], len(x.shape)))
    (indices,) = _with_axis(is_batched[1:2], indices)
    return ops.put_along_axis(x, indices, values, axis=place + 1, mode=mode)


def _with_axis(is_batched: Any, *arrays: Any) -> list[Any]:
    """The arrays, each with a batch axis, of size 1 where all examples share it."""
    return [x if batched else ops.expand_dims(x, axis=0) for x, batched in zip(arrays, is_batched, strict=True)]


def _padded(shape: tuple[int, ...], is_batched: bool, rank: int) -> tuple[int, ...]:
    """The shape with a batch axis and then axes of size 1, to a rank."""
    batch, example = (shape[:1], shape[1:]) if is_batched else ((1,), shape)
    return (*batch, *(1 for _ in range(rank - 1 - len(example))), *example)


@batching_of(ops.gather_nd)
def gather_nd(size: int, is_batched: Any, x: Any, indices: Any, *, batch_dims: int) -> Any:
    if not is_batched[0] and batch_dims == 0:
        return ops.gather_nd(x, indices)
    x, indices = (with_batch(size, batched, array) for batched, array in zip(is_batched, (x, indices), strict=True))
    return ops.gather_nd(x, indices, batch_dims=batch_dims + 1)


@batching_of(ops.scatter_nd)
def scatter_nd(size: int, is_batched: Any, indices: Any, updates: Any, *, shape: tuple[int, ...]) -> Any:
    vectors = with_example_numbers(with_batch(size, is_batched[0], indices))
    return ops.scatter_nd(vectors, with_batch(size, is_batched[1], updates), shape=(size, *shape))


@batching_of(ops.scatter)
def scatter(size: int, is_batched: Any, x: Any, indices: Any, updates: Any, *, mode: str) -> Any:
    x, indices, updates = (
        with_batch(size, batched, array) for batched, array in zip(is_batched, (x, indices, updates), strict=True)
    )
    return ops.scatter(x, with_example_numbers(indices), updates, mode=mode)


def _extreme(operation: Operation) -> None:
    def rule(size: int, is_batched: Any, x: Any, *, axis: int | None, keepdims: bool) -> Any:
        rank = len(x.shape) - 1
        if axis is not None:
            return operation(x, axis=normalize_axis(operation.short_name, axis, rank) + 1, keepdims=keepdims)
        found = operation(ops.reshape(x, shape=(size, example_meta(x).size)), axis=1)
        return ops.reshape(found, shape=(size, *(1 for _ in range(rank)))) if keepdims else found

    batching_of(operation)(rule)


for _operation in (ops.argmax, ops.argmin):
    _extreme(_operation)


@batching_of(ops.searchsorted)
def searchsorted(size: int, is_batched: Any, x1: Any, x2: Any, sorter: Any, *, side: str) -> Any:
    if not is_batched[0] and not is_batched[2]:
        return ops.searchsorted(x1, x2, sorter, side=side)
    # Each example has a sorted array of its own: there is no operation for many of them at once.
    columns = [
        [array] * size if not batched else ops.unstack(array)
        for array, batched in zip((x1, x2, sorter), is_batched, strict=True)
    ]
    return ops.stack(*(ops.searchsorted(*example, side=side) for example in zip(*columns, strict=True)))
