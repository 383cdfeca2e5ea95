"""Gathering and scattering: each is the other's adjoint."""

from __future__ import annotations

from typing import Any

from dovetail_protocols import operations as ops
from dovetail_protocols.metas import Device
from dovetail_protocols.operations.shape_rules import normalize_axis

from ..extend import gradient_of, jvp_of, not_differentiable
from ..seeds import zeros_like
from .broadcasting import unbroadcast
from .elementwise import as_factor

for _operation in (ops.one_hot, ops.nonzero):
    not_differentiable(_operation, "the result follows from integers or truth values")


@gradient_of(ops.where)
def where(cotangent: Any, result: Any, condition: Any, x1: Any, x2: Any) -> Any:
    return (
        None,
        lambda: unbroadcast(ops.where(condition, cotangent, 0), x1),
        lambda: unbroadcast(ops.where(condition, 0, cotangent), x2),
    )


@jvp_of(ops.where)
def where_forward(tangents: Any, result: Any, condition: Any, x1: Any, x2: Any) -> Any:
    _, by_x1, by_x2 = tangents
    if by_x1 is None and by_x2 is None:
        return None
    tangent = ops.where(condition, 0 if by_x1 is None else by_x1, 0 if by_x2 is None else by_x2)
    return tangent if tangent.shape == result.shape else ops.broadcast_to(tangent, shape=result.shape)


# ---------------------------------------------------------------------- along one axis


@gradient_of(ops.take)
def take(cotangent: Any, result: Any, x: Any, indices: Any, *, axis: int | None) -> Any:
    place = normalize_axis("take", axis or 0, len(x.shape))
    count = len(indices.shape)
    rows = cotangent
    if place:
        rows = ops.moveaxis(cotangent, source=tuple(range(place, place + count)), destination=tuple(range(count)))
    shape = (x.shape[place], *x.shape[:place], *x.shape[place + 1 :])
    summed = ops.scatter_nd(ops.expand_dims(indices, axis=-1), rows, shape=shape)
    return (ops.moveaxis(summed, source=0, destination=place) if place else summed), None


@jvp_of(ops.take)
def take_forward(tangents: Any, result: Any, x: Any, indices: Any, *, axis: int | None) -> Any:
    return None if tangents[0] is None else ops.take(tangents[0], indices, axis=axis)


@gradient_of(ops.take_along_axis)
def take_along_axis(cotangent: Any, result: Any, x: Any, indices: Any, *, axis: int) -> Any:
    place = axis % len(x.shape)
    shape = (*cotangent.shape[:place], x.shape[place], *cotangent.shape[place + 1 :])
    base = ops.full(shape=shape, fill_value=0, dtype=cotangent.dtype, device=cotangent.device)
    return unbroadcast(ops.put_along_axis(base, indices, cotangent, axis=axis, mode="add"), x), None


@jvp_of(ops.take_along_axis)
def take_along_axis_forward(tangents: Any, result: Any, x: Any, indices: Any, *, axis: int) -> Any:
    return None if tangents[0] is None else ops.take_along_axis(tangents[0], indices, axis=axis)


@gradient_of(ops.put_along_axis)
def put_along_axis(cotangent: Any, result: Any, x: Any, indices: Any, values: Any, *, axis: int, mode: str) -> Any:
    if mode == "add":
        return (
            cotangent,
            None,
            lambda: unbroadcast(ops.take_along_axis(cotangent, indices, axis=axis), values),
        )
    places = _along_shape(x, indices, axis)

    def by_values() -> Any:
        taken = ops.take_along_axis(cotangent, indices, axis=axis)
        return unbroadcast(ops.broadcast_to(taken, shape=places) * _stayed(x, indices, places, axis, taken), values)

    zero = ops.full(shape=(1,) * len(x.shape), fill_value=0, dtype=cotangent.dtype, device=cotangent.device)
    return lambda: ops.put_along_axis(cotangent, indices, zero, axis=axis), None, by_values


def _along_shape(x: Any, indices: Any, axis: int) -> tuple[int, ...]:
    place = axis % len(x.shape)
    return (*x.shape[:place], indices.shape[place], *x.shape[place + 1 :])


def _stayed(x: Any, indices: Any, places: tuple[int, ...], axis: int, like: Any) -> Any:
    """1 for each value that is in the result, 0 for one that a later value for the same place replaced."""
    number = _numbers(places, x.device)
    nobody = ops.full(shape=x.shape, fill_value=-1, dtype=number.dtype, device=x.device)
    owner = ops.put_along_axis(nobody, indices, number, axis=axis)
    return as_factor(ops.take_along_axis(owner, indices, axis=axis) == number, like)


def _numbers(shape: tuple[int, ...], device: Device) -> Any:
    """0, 1, 2, … in row-major order: another number for each element."""
    count = 1
    for size in shape:
        count = count * size
    return ops.reshape(ops.arange(start=count, device=device), shape=shape)


@jvp_of(ops.put_along_axis)
def put_along_axis_forward(
    tangents: Any, result: Any, x: Any, indices: Any, values: Any, *, axis: int, mode: str
) -> Any:
    by_x, _, by_values = tangents
    if by_x is None and by_values is None:
        return None
    by_x = zeros_like(x) if by_x is None else by_x
    by_values = zeros_like(values) if by_values is None else by_values
    return ops.put_along_axis(by_x, indices, by_values, axis=axis, mode=mode)


# ---------------------------------------------------------------------- at index vectors


@gradient_of(ops.gather_nd)
def gather_nd(cotangent: Any, result: Any, x: Any, indices: Any, *, batch_dims: int) -> Any:
    return ops.scatter_nd(with_batch_indices(indices, batch_dims), cotangent, shape=x.shape), None


def with_batch_indices(indices: Any, batch_dims: int) -> Any:
    """Index vectors that point into the batch axes too: each example's own numbers before the others."""
    if batch_dims == 0:
        return indices
    shape = indices.shape
    columns = []
    for axis in range(batch_dims):
        line = tuple(shape[axis] if place == axis else 1 for place in range(len(shape)))
        numbers = ops.arange(start=shape[axis], dtype=indices.dtype, device=indices.device)
        numbers = ops.reshape(numbers, shape=line)
        columns.append(ops.broadcast_to(numbers, shape=(*shape[:-1], 1)))
    return ops.concat(*columns, indices, axis=-1)


@jvp_of(ops.gather_nd)
def gather_nd_forward(tangents: Any, result: Any, x: Any, indices: Any, *, batch_dims: int) -> Any:
    return None if tangents[0] is None else ops.gather_nd(tangents[0], indices, batch_dims=batch_dims)


@gradient_of(ops.scatter_nd)
def scatter_nd(cotangent: Any, result: Any, indices: Any, updates: Any, *, shape: tuple[int, ...]) -> Any:
    return None, ops.gather_nd(cotangent, indices)


@jvp_of(ops.scatter_nd)
def scatter_nd_forward(tangents: Any, result: Any, indices: Any, updates: Any, *, shape: tuple[int, ...]) -> Any:
    return None if tangents[1] is None else ops.scatter_nd(indices, tangents[1], shape=shape)


@gradient_of(ops.scatter)
def scatter(cotangent: Any, result: Any, x: Any, indices: Any, updates: Any, *, mode: str) -> Any:
    if mode == "add":
        return cotangent, None, lambda: ops.gather_nd(cotangent, indices)
    if mode == "subtract":
        return cotangent, None, lambda: -ops.gather_nd(cotangent, indices)
    to_x, to_updates = _shares(result, x, indices, updates, mode, cotangent)
    return (
        lambda: cotangent * to_x(),
        None,
        lambda: ops.gather_nd(cotangent, indices) * to_updates(),
    )


@jvp_of(ops.scatter)
def scatter_forward(tangents: Any, result: Any, x: Any, indices: Any, updates: Any, *, mode: str) -> Any:
    by_x, _, by_updates = tangents
    if by_x is None and by_updates is None:
        return None
    by_x = zeros_like(x) if by_x is None else by_x
    by_updates = zeros_like(updates) if by_updates is None else by_updates
    if mode in ("update", "add", "subtract"):
        return ops.scatter(by_x, indices, by_updates, mode=mode)
    to_x, to_updates = _shares(result, x, indices, updates, mode, by_x)
    return ops.scatter(by_x * to_x(), indices, by_updates * to_updates(), mode="add")


def _shares(result: Any, x: Any, indices: Any, updates: Any, mode: str, like: Any) -> tuple[Any, Any]:
    """How much of each element of the result comes from x, and how much from each update, as functions.

    "update": the last update of a place has all. "min" and "max": equally extreme ones share evenly.
    """
    if mode == "update":
        untouched = ops.full(shape=x.shape, fill_value=1, dtype=like.dtype, device=like.device)
        nothing = ops.full(shape=updates.shape, fill_value=0, dtype=like.dtype, device=like.device)
        return lambda: ops.scatter(untouched, indices, nothing), lambda: _last(x, indices, updates, like)
    from_x = as_factor(x == result, like)
    from_updates = as_factor(updates == ops.gather_nd(result, indices), like)
    contenders = ops.scatter(from_x, indices, from_updates, mode="add")
    return lambda: from_x / contenders, lambda: from_updates / ops.gather_nd(contenders, indices)


def _last(x: Any, indices: Any, updates: Any, like: Any) -> Any:
    number = _numbers(updates.shape, x.device)
    nobody = ops.full(shape=x.shape, fill_value=-1, dtype=number.dtype, device=x.device)
    owner = ops.scatter(nobody, indices, number)
    return as_factor(ops.gather_nd(owner, indices) == number, like)
