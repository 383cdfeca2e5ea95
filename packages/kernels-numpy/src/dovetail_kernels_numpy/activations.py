"""Activation functions and the softmax family, with one temporary where the decomposition has several."""

from __future__ import annotations

from math import pi, sqrt
from typing import Any

import numpy as np

from dovetail_protocols import operations as ops
from dovetail_protocols.kernels import CallMeta

from .declaration import kernel
from .dtypes import numpy_dtype
from .precision import is_narrow, quiet, widened
from .special import error_function


@kernel(ops.relu, binding="per_dtype")
def relu(call: CallMeta) -> Any:
    return quiet(lambda x: np.maximum(x, 0)) if is_narrow(call) else lambda x: np.maximum(x, 0)


@kernel(ops.relu6, binding="per_dtype")
def relu6(call: CallMeta) -> Any:
    return quiet(lambda x: np.minimum(np.maximum(x, 0), 6))


@kernel(ops.leaky_relu, binding="per_dtype")
def leaky_relu(call: CallMeta) -> Any:
    slope = numpy_dtype(call.results[0].dtype).type(call.attributes["negative_slope"])
    if 0 < slope <= 1:
        return quiet(lambda x: np.maximum(x, x * slope))
    return quiet(lambda x: np.where(x > 0, x, x * slope))


@kernel(ops.sigmoid, binding="per_dtype")
def sigmoid(call: CallMeta) -> Any:
    return widened(call, _sigmoid)


def _sigmoid(x: Any) -> Any:
    # e⁻ˣ overflows to ∞ for very negative x, and 1 / ∞ is the right 0.
    result = np.negative(x, out=np.empty_like(x))
    np.exp(result, out=result)
    np.add(result, 1, out=result)
    return np.reciprocal(result, out=result)


@kernel(ops.silu, binding="per_dtype")
def silu(call: CallMeta) -> Any:
    return widened(call, lambda x: np.multiply(x, _sigmoid(x)))


@kernel(ops.softplus, binding="per_dtype")
def softplus(call: CallMeta) -> Any:
    return widened(call, _softplus)


def _softplus(x: Any) -> Any:
    result = np.absolute(x, out=np.empty_like(x))
    np.negative(result, out=result)
    np.exp(result, out=result)
    np.log1p(result, out=result)
    return np.add(result, np.maximum(x, 0), out=result)


@kernel(ops.log_sigmoid, binding="per_dtype")
def log_sigmoid(call: CallMeta) -> Any:
    return widened(call, lambda x: np.negative(_softplus(np.negative(x))))


@kernel(ops.gelu, binding="per_dtype")
def gelu(call: CallMeta) -> Any:
    return widened(call, _gelu_by_tanh if call.attributes["approximate"] else _gelu)


def _gelu(x: Any) -> Any:
    result = np.asarray(error_function(x * x.dtype.type(sqrt(0.5))))
    result += 1
    result *= x
    result *= 0.5
    return result


def _gelu_by_tanh(x: Any) -> Any:
    result = np.multiply(x, x, out=np.empty_like(x))
    result *= 0.044715
    result += 1
    result *= x
    result *= sqrt(2 / pi)
    np.tanh(result, out=result)
    result += 1
    result *= x
    result *= 0.5
    return result


@kernel(ops.softmax, binding="per_dtype")
def softmax(call: CallMeta) -> Any:
    axis = call.attributes["axis"]

    def run(x: Any) -> Any:
        result = _shifted(x, axis)
        np.exp(result, out=result)
        result /= np.add.reduce(result, axis=axis, keepdims=True)
        return result

    return widened(call, run)


@kernel(ops.log_softmax, binding="per_dtype")
def log_softmax(call: CallMeta) -> Any:
    axis = call.attributes["axis"]

    def run(x: Any) -> Any:
        result = _shifted(x, axis)
        result -= np.log(np.add.reduce(np.exp(result), axis=axis, keepdims=True))
        return result

    return widened(call, run)


def _shifted(x: Any, axis: int) -> Any:
    """x less its largest element along the axis."""
    largest = np.maximum.reduce(x, axis=axis, keepdims=True, initial=-np.inf)
    return np.subtract(x, largest, out=np.empty_like(x))
