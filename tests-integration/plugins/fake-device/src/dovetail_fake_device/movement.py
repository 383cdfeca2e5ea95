"""Elements in other places. Where memory allows, the result is a view and nothing moves."""

import builtins

import numpy as np

from .binding import computing
from .buffers import strides_of


@computing
def concat(call):
    axis = call.attributes["axis"]
    return lambda *arrays: np.concatenate([a.ravel() for a in arrays] if axis is None else arrays, axis=axis)


@computing
def take(call):
    axis = call.attributes["axis"]
    return lambda x, indices: np.take(x, indices, axis=axis)


@computing
def take_along_axis(call):
    axis = call.attributes["axis"]
    return lambda x, indices: np.take_along_axis(x, indices, axis=axis)


@computing
def _reshape(call):
    shape = call.results[0].shape
    return lambda x: np.reshape(x, shape)


def reshape(call):
    shape, must_copy, copying = call.results[0].shape, call.attributes["copy"] is True, _reshape(call)

    def kernel(x):
        if must_copy or not x.is_contiguous:
            return copying(x)
        return x.view(shape, strides_of(shape, x.dtype))

    return kernel


def permute_dims(call):
    axes = call.attributes["axes"] or tuple(reversed(range(call.operands[0].ndim)))
    return lambda x: x.view([x.shape[axis] for axis in axes], [x.strides[axis] for axis in axes])


def broadcast_to(call):
    shape = call.results[0].shape

    def kernel(x):
        missing = len(shape) - len(x.shape)
        pairs = zip(x.shape, x.strides, shape[missing:], strict=True)
        kept = [0 if size == 1 and wanted != 1 else stride for size, stride, wanted in pairs]
        return x.view(shape, (*[0] * missing, *kept))

    return kernel


def slice(call):
    given, result = call.attributes, call.results[0].shape
    steps = given["strides"] or (None,) * len(given["starts"])
    bounds = [builtins.slice(*entry) for entry in zip(given["starts"], given["stops"], steps, strict=True)]

    def kernel(x):
        offset, strides = 0, list(x.strides)
        for axis, bound in enumerate(bounds):
            first, _, step = bound.indices(x.shape[axis])
            offset, strides[axis] = offset + first * x.strides[axis] * (result[axis] > 0), x.strides[axis] * step
        return x.view(result, strides, offset if 0 not in result else 0)

    return kernel
