"""Elements at places that arrays of integers or booleans give."""

from __future__ import annotations

from functools import partial
from math import prod
from typing import Any

import numpy as np

from dovetail_protocols import operations as ops
from dovetail_protocols.kernels import CallMeta

from .declaration import kernel
from .dtypes import numpy_dtype
from .placing import combine, in_range, out_of_range, row_numbers, signed


def _metas(call: CallMeta) -> tuple[Any, ...]:
    """The operands' metas; none of these operations has an optional operand."""
    return call.operands


@kernel(ops.where, binding="per_dtype")
def where(call: CallMeta) -> Any:
    return np.where


@kernel(ops.take, binding="per_dtype")
def take(call: CallMeta) -> Any:
    return partial(_take, call.attributes["axis"])


def _take(axis: int | None, x: Any, indices: Any) -> Any:
    if axis is None and x.ndim != 1:
        raise ValueError("axis is left out")  # infer says it properly
    try:
        return x.take(signed(indices), axis)
    except IndexError as error:
        if isinstance(error, np.exceptions.AxisError):
            raise
        place = 0 if axis is None else axis % x.ndim
        raise out_of_range("take", indices, x.shape[place], place) from error


@kernel(ops.take_along_axis)
def take_along_axis(call: CallMeta) -> Any:
    axis = call.attributes["axis"] % call.results[0].ndim

    def run(x: Any, indices: Any) -> Any:
        places = in_range("take_along_axis", indices, x.shape[axis], axis)
        return np.take_along_axis(x, places, axis)

    return run


@kernel(ops.put_along_axis)
def put_along_axis(call: CallMeta) -> Any:
    source, pointers, _ = _metas(call)
    axis, mode = call.attributes["axis"] % source.ndim, call.attributes["mode"]
    places = (*source.shape[:axis], pointers.shape[axis], *source.shape[axis + 1 :])

    def run(x: Any, indices: Any, values: Any) -> Any:
        inside = np.broadcast_to(in_range("put_along_axis", indices, x.shape[axis], axis), places)
        result = x.copy(order="C")
        if mode == "update":
            np.put_along_axis(result, inside, values, axis)
            return result
        numbers = np.arange(x.size).reshape(x.shape)
        rows = np.take_along_axis(numbers, inside, axis).reshape(-1)
        combine(np.add, result.reshape(-1, 1), rows, np.broadcast_to(values, places).reshape(-1, 1))
        return result

    return run


@kernel(ops.gather_nd)
def gather_nd(call: CallMeta) -> Any:
    source, vectors = _metas(call)
    batch, depth = call.attributes["batch_dims"], vectors.shape[-1]
    pointed = source.shape[batch : batch + depth]
    width = prod(source.shape[batch + depth :])
    examples, count = prod(source.shape[:batch]), prod(pointed)
    offsets = np.repeat(np.arange(examples) * count, prod(vectors.shape[batch:-1])) if batch else 0
    shape = call.results[0].shape

    def run(x: Any, indices: Any) -> Any:
        rows = row_numbers("gather_nd", indices, pointed, batch) + offsets
        return x.reshape(examples * count, width).take(rows, 0).reshape(shape)

    return run


@kernel(ops.scatter_nd)
def scatter_nd(call: CallMeta) -> Any:
    shape, dtype = call.results[0].shape, numpy_dtype(call.results[0].dtype)
    put = _scattering("scatter_nd", "add", shape, _metas(call)[0].shape)

    def run(indices: Any, updates: Any) -> Any:
        result = np.zeros(shape, dtype)
        put(result, indices, updates)
        return result

    return run


@kernel(ops.scatter)
def scatter(call: CallMeta) -> Any:
    source, vectors, _ = _metas(call)
    put = _scattering("scatter", call.attributes["mode"], source.shape, vectors.shape)

    def run(x: Any, indices: Any, updates: Any) -> Any:
        result = x.copy(order="C")
        put(result, indices, updates)
        return result

    return run


_UFUNCS = {"add": np.add, "subtract": np.add, "min": np.minimum, "max": np.maximum}


def _scattering(operation: str, mode: str, shape: tuple[int, ...], indices_shape: tuple[int, ...]) -> Any:
    """A function that puts updates into a C-contiguous array of that shape, in place."""
    depth = indices_shape[-1]
    count, width, updated = prod(shape[:depth]), prod(shape[depth:]), prod(indices_shape[:-1])

    def put(result: Any, indices: Any, updates: Any) -> None:
        rows = row_numbers(operation, indices, shape)
        target, given = result.reshape(count, width), updates.reshape(updated, width)
        if mode == "update":
            target[rows] = given
        else:
            combine(_UFUNCS[mode], target, rows, np.negative(given) if mode == "subtract" else given)

    return put


@kernel(ops.one_hot)
def one_hot(call: CallMeta) -> Any:
    depth, axis = call.attributes["depth"], call.attributes["axis"]
    dtype = numpy_dtype(call.results[0].dtype)
    on, off = (np.asarray(call.attributes[name]).astype(dtype) for name in ("on_value", "off_value"))
    shape = _metas(call)[0].shape

    def run(indices: Any) -> Any:
        flat = signed(indices).reshape(-1)
        result = np.full((flat.size, depth), off, dtype)
        inside = np.flatnonzero((flat >= 0) & (flat < depth))
        result[inside, flat[inside]] = on
        return np.moveaxis(result.reshape(*shape, depth), -1, axis)

    return run


@kernel(ops.nonzero, binding="per_dtype")
def nonzero(call: CallMeta) -> Any:
    return np.nonzero


@kernel(ops.boolean_mask)
def boolean_mask(call: CallMeta) -> Any:
    before = (slice(None),) * (call.attributes["axis"] % max(_metas(call)[0].ndim, 1))
    return lambda x, mask: x[(*before, mask)]
