"""Mean, variance, standard deviation and log of a sum of exponentials, in one kernel each."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from dovetail_protocols import operations as ops
from dovetail_protocols.kernels import CallMeta

from .declaration import kernel
from .precision import widened


@kernel(ops.mean)
def mean(call: CallMeta) -> Any:
    axis, keepdims = call.attributes["axis"], call.attributes["keepdims"]
    count = _reduced_count(call)
    return widened(call, lambda x: np.add.reduce(x, axis=axis, keepdims=keepdims) / x.dtype.type(count))


@kernel(ops.var)
def var(call: CallMeta) -> Any:
    return widened(call, _variance(call))


@kernel(ops.std)
def std(call: CallMeta) -> Any:
    variance = _variance(call)
    return widened(call, lambda x: np.sqrt(variance(x)))


def _variance(call: CallMeta) -> Any:
    axis, keepdims = call.attributes["axis"], call.attributes["keepdims"]
    count = _reduced_count(call)
    degrees_of_freedom = max(count - call.attributes["correction"], 0)

    def variance(x: Any) -> Any:
        deviation = x - np.add.reduce(x, axis=axis, keepdims=True) / x.dtype.type(count)
        squares = np.multiply(deviation, deviation, out=np.empty_like(deviation))
        return np.add.reduce(squares, axis=axis, keepdims=keepdims) / x.dtype.type(degrees_of_freedom)

    return variance


@kernel(ops.logsumexp, binding="per_dtype")
def logsumexp(call: CallMeta) -> Any:
    axis, keepdims = call.attributes["axis"], call.attributes["keepdims"]

    def run(x: Any) -> Any:
        largest = np.maximum.reduce(x, axis=axis, keepdims=True)
        shift = np.where(np.isfinite(largest), largest, x.dtype.type(0))
        total = np.log(np.add.reduce(np.exp(x - shift), axis=axis, keepdims=keepdims))
        return total + shift.reshape(total.shape)

    return widened(call, run)


def _reduced_count(call: CallMeta) -> int:
    """How many elements go into one."""
    operand, axis = call.operands[0], call.attributes["axis"]
    if operand is None or axis is None:
        return 0 if operand is None else operand.size
    return prod(operand.shape[place] for place in ((axis,) if isinstance(axis, int) else axis))
