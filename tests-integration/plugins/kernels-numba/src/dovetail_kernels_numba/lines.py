"""Operations along axes: softmax and logsumexp along the last ones, running sums along any."""

import math

import numpy as np

from dovetail_protocols.kernels import Unsupported

from .compiling import Writing, aligned, loop


def softmax(call):
    """exp(x − max) / Σ exp(x − max) along the last axis."""
    x = call.operands[0]
    if call.attributes["axis"] % x.ndim != x.ndim - 1:
        return Unsupported("takes the last axis only: along others, lines are scattered in memory")
    run = loop(softmax_rows, x.dtype, "C2r", "C2w")

    def fill(target, x):
        rows = math.prod(x.shape[:-1]), x.shape[-1]
        run(aligned(x).reshape(rows), target.reshape(rows))

    return Writing(fill, np.shape, x.dtype)


def logsumexp(call):
    """max + log Σ exp(x − max) along the last axes."""
    x, axis = call.operands[0], call.attributes["axis"]
    axes = range(x.ndim) if axis is None else sorted(a % x.ndim for a in ((axis,) if isinstance(axis, int) else axis))
    if list(axes) != list(range(x.ndim - len(axes), x.ndim)):
        return Unsupported("takes the last axes only: along others, lines are scattered in memory")
    run = loop(logsumexp_rows, x.dtype, "C2r", "C1w")
    shape, rows = call.results[0].shape, math.prod(x.shape[: x.ndim - len(axes)])
    length = math.prod(x.shape[x.ndim - len(axes) :])

    def fill(target, x):
        run(aligned(x).reshape(rows, length), target.reshape(rows))

    return Writing(fill, lambda x: shape, x.dtype)


def cumulative_sum(call):
    """Running sums along `axis`, of arrays with any strides."""
    x, axis, initial = call.operands[0], call.attributes["axis"], int(call.attributes["include_initial"])
    axis = 0 if axis is None else axis % x.ndim
    run = loop(cumulative_sum_lines, x.dtype, "A3r", "C3w", "index")

    def in_three(array):
        """(outer, length, inner): a view where strides allow it, else a copy."""
        shape = array.shape
        return array.reshape(math.prod(shape[:axis]), shape[axis], math.prod(shape[axis + 1 :]))

    def fill(target, x):
        run(in_three(aligned(x)), in_three(target), initial)

    def result_shape(x):
        return (*x.shape[:axis], x.shape[axis] + initial, *x.shape[axis + 1 :])

    return Writing(fill, result_shape, x.dtype)


# ---------------------------------------------------------------------- loops, compiled by Numba


def softmax_rows(source, target):
    for row in range(source.shape[0]):
        largest = source.dtype.type(-math.inf)
        for place in range(source.shape[1]):
            largest = max(largest, source[row, place])
        total = source.dtype.type(0)
        for place in range(source.shape[1]):
            power = math.exp(source[row, place] - largest)
            target[row, place] = power
            total += power
        for place in range(source.shape[1]):
            target[row, place] /= total


def logsumexp_rows(source, target):
    for row in range(source.shape[0]):
        largest = source.dtype.type(-math.inf)
        for place in range(source.shape[1]):
            largest = max(largest, source[row, place])
        shift = largest if math.isfinite(largest) else source.dtype.type(0)
        total = source.dtype.type(0)
        for place in range(source.shape[1]):
            total += math.exp(source[row, place] - shift)
        target[row] = shift + math.log(total)


def cumulative_sum_lines(source, target, initial):
    for outer in range(source.shape[0]):
        for inner in range(source.shape[2] if initial else 0):
            target[outer, 0, inner] = 0
        for place in range(source.shape[1]):
            for inner in range(source.shape[2]):
                before = target[outer, place + initial - 1, inner] if place + initial else source.dtype.type(0)
                target[outer, place + initial, inner] = before + source[outer, place, inner]
