"""Layer normalization: statistics and result of a row while it is in the cache."""

import math

import numpy as np

from dovetail_protocols.kernels import Unsupported

from .compiling import Writing, aligned, loop


def layer_normalization(call):
    """(x − mean) / √(variance + epsilon) · scale + offset over the last axes."""
    (x, *parameters), axis, epsilon = call.operands, call.attributes["axis"], call.attributes["epsilon"]
    axes = sorted(a % x.ndim for a in ((axis,) if isinstance(axis, int) else axis))
    if not axes or axes != list(range(axes[0], x.ndim)):
        return Unsupported("takes the last axes only")
    if any(meta is not None and meta.dtype is not x.dtype for meta in parameters):
        return Unsupported("takes scale and offset of the dtype of x only")
    rows, size = math.prod(x.shape[: axes[0]]), math.prod(x.shape[axes[0] :])
    if size == 0:
        return Unsupported("takes rows of at least one element only")
    run = loop(normalize_rows, x.dtype, "C2r", "C1r", "C1r", "number", "C2w")
    dtype = np.dtype(x.dtype.name)
    ones, zeros = np.ones(size, dtype), np.zeros(size, dtype)

    def fill(target, x, scale, offset):
        factor = ones if scale is None else aligned(scale).reshape(size)
        shift = zeros if offset is None else aligned(offset).reshape(size)
        run(aligned(x).reshape(rows, size), factor, shift, epsilon, target.reshape(rows, size))

    return Writing(fill, lambda x, *_: x.shape, x.dtype)


def normalize_rows(source, scale, offset, epsilon, target):
    size = source.shape[1]
    count = source.dtype.type(size)
    for row in range(source.shape[0]):
        total = source.dtype.type(0)
        for place in range(size):
            total += source[row, place]
        mean = total / count
        squares = source.dtype.type(0)
        for place in range(size):
            squares += (source[row, place] - mean) ** 2
        inverse = source.dtype.type(1) / math.sqrt(squares / count + epsilon)
        for place in range(size):
            target[row, place] = (source[row, place] - mean) * inverse * scale[place] + offset[place]
