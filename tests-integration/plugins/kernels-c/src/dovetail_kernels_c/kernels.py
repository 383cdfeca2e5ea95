"""What each call hands to the library: sizes that were fixed when it was bound, and addresses."""

from ctypes import c_double, c_size_t, c_void_p
from math import prod

import numpy as np

from dovetail_protocols.kernels import Unsupported

from .native import address, function


class Bound:
    """A function of the library bound to a call: `function(*scalars, *inputs, result)`."""

    def __init__(self, function, scalars, result):
        self.function, self.scalars = function, scalars
        self.shape, self.dtype = result.shape, np.dtype(result.dtype.name)

    def __call__(self, *inputs):
        result = np.empty(self.shape, self.dtype)
        self.into((result,), inputs)
        return result

    def into(self, outputs, inputs):
        held = [None if array is None else aligned(array) for array in inputs]
        addresses = [None if array is None else address(array) for array in held]
        self.function(*self.scalars, *addresses, address(outputs[0]))


def aligned(array):
    """The array itself, or a copy where C may not read its numbers, as they lie across their alignment."""
    return array if array.flags.aligned else array.copy()


def relu(call):
    """maximum(x, 0)."""
    (result,) = call.results
    return Bound(_function("relu", result, c_size_t, c_void_p), (result.size,), result)


def softmax(call):
    """exp(x − max) / Σ exp(x − max) along the last axis."""
    (x,) = call.operands
    if call.attributes["axis"] % x.ndim != x.ndim - 1:
        return Unsupported("takes the last axis only: along others, lines are scattered in memory")
    return Bound(_function("softmax", x, c_size_t, c_size_t, c_void_p), _rows(x.shape, x.ndim - 1), x)


def sum(call):
    """The sum over the last axes."""
    (x,), axis = call.operands, call.attributes["axis"]
    first = _first_of_last_axes(range(x.ndim) if axis is None else axis, x.ndim)
    if first is None:
        return Unsupported("takes the last axes only: along others, lines are scattered in memory")
    return Bound(_function("sum", x, c_size_t, c_size_t, c_void_p), _rows(x.shape, first), call.results[0])


def layer_normalization(call):
    """(x − mean) / √(variance + epsilon) · scale + offset over the last axes."""
    x, *parameters = call.operands
    first = _first_of_last_axes(call.attributes["axis"], x.ndim)
    if first is None or first == x.ndim:
        return Unsupported("takes the last axes only")
    if any(meta is not None and meta.dtype is not x.dtype for meta in parameters):
        return Unsupported("takes scale and offset of the dtype of x only")
    bound = _function("layer_normalization", x, c_size_t, c_size_t, c_double, c_void_p, c_void_p, c_void_p)
    return Bound(bound, (*_rows(x.shape, first), call.attributes["epsilon"]), x)


def _function(name, meta, *argument_types):
    """The function for the dtype; the last argument is where the result goes."""
    return function(f"{name}_{meta.dtype.name}", *argument_types, c_void_p)


def _rows(shape, first):
    """How many rows there are, and how long each is, where rows begin at axis `first`."""
    return prod(shape[:first]), prod(shape[first:])


def _first_of_last_axes(axis, ndim):
    """The first of axes that are the last ones, in any order; None for others."""
    axes = sorted(one % ndim for one in ((axis,) if isinstance(axis, int) else axis))
    first = ndim - len(axes)
    return first if axes == list(range(first, ndim)) else None
