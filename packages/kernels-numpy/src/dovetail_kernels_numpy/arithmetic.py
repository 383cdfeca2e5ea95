"""Arithmetic that takes more than one ufunc."""

from __future__ import annotations

from typing import Any

import numpy as np

from dovetail_protocols import operations as ops
from dovetail_protocols.kernels import CallMeta

from .declaration import kernel
from .precision import is_narrow, quiet


@kernel(ops.positive, binding="per_dtype")
def positive(call: CallMeta) -> Any:
    return lambda x: x


@kernel(ops.real, binding="per_dtype")
def real(call: CallMeta) -> Any:
    return np.real


@kernel(ops.imag, binding="per_dtype")
def imag(call: CallMeta) -> Any:
    return np.imag


@kernel(ops.round, binding="per_dtype")
def round(call: CallMeta) -> Any:
    return (lambda x: x) if call.results[0].dtype.is_integer else np.rint


@kernel(ops.stop_gradient, binding="per_dtype")
def stop_gradient(call: CallMeta) -> Any:
    return lambda x: x


@kernel(ops.floor_divide, binding="per_dtype")
def floor_divide(call: CallMeta) -> Any:
    return quiet(np.floor_divide if call.results[0].dtype.is_integer else _floor_divide)


def _floor_divide(x1: Any, x2: Any) -> Any:
    quotient = np.floor_divide(x1, x2)
    infinite = np.isinf(x1)
    if infinite.any():
        # NumPy gives NaN; the standard has ∞ // 2 = ∞.
        quotient = np.where(infinite, np.divide(x1, x2), quotient)
    return quotient


@kernel(ops.pow, binding="per_dtype")
def pow(call: CallMeta) -> Any:
    return quiet(_power)


def _power(x1: Any, x2: Any) -> Any:
    if x2.ndim == 0 and x2 == 2:  # much the most frequent exponent, and much slower as a general power
        return np.square(x1)
    return np.power(x1, x2)


@kernel(ops.reciprocal, binding="per_dtype")
def reciprocal(call: CallMeta) -> Any:
    return quiet(np.reciprocal)


@kernel(ops.rsqrt, binding="per_dtype")
def rsqrt(call: CallMeta) -> Any:
    return quiet(lambda x: np.reciprocal(np.sqrt(x)))


@kernel(ops.clip, binding="per_dtype")
def clip(call: CallMeta) -> Any:
    return quiet(_clip) if is_narrow(call) else _clip


def _clip(x: Any, low: Any, high: Any) -> Any:
    above = x if low is None else np.maximum(x, low)
    return above if high is None else np.minimum(above, high)
