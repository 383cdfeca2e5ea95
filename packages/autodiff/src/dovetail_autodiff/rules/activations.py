"""Activation functions. Those left out are differentiated through their decompositions."""

from __future__ import annotations

from math import pi, sqrt
from typing import Any

from dovetail_protocols import operations as ops

from .elementwise import as_factor, derivative_of


@derivative_of(ops.relu)
def relu(u: Any, result: Any, x: Any) -> Any:
    return u * as_factor(x > 0, u)


@derivative_of(ops.relu6)
def relu6(u: Any, result: Any, x: Any) -> Any:
    return u * as_factor(ops.logical_and(x > 0, x < 6), u)


@derivative_of(ops.leaky_relu)
def leaky_relu(u: Any, result: Any, x: Any, *, negative_slope: float) -> Any:
    return ops.where(x > 0, u, u * negative_slope)


@derivative_of(ops.elu)
def elu(u: Any, result: Any, x: Any, *, alpha: float) -> Any:
    return ops.where(x > 0, u, u * (result + alpha))


@derivative_of(ops.celu)
def celu(u: Any, result: Any, x: Any, *, alpha: float) -> Any:
    return ops.where(x > 0, u, u * (result / alpha + 1))


@derivative_of(ops.gelu)
def gelu(u: Any, result: Any, x: Any, *, approximate: bool) -> Any:
    if not approximate:
        probability = (ops.erf(x * sqrt(0.5)) + 1) * 0.5
        density = ops.exp(x * x * -0.5) * (1 / sqrt(2 * pi))
        return u * (probability + x * density)
    square = x * x
    bent = ops.tanh(x * (square * 0.044715 + 1) * sqrt(2 / pi))
    slope = (square * (3 * 0.044715) + 1) * sqrt(2 / pi)
    return u * ((bent + 1 + x * (1 - bent * bent) * slope) * 0.5)


@derivative_of(ops.sigmoid)
def sigmoid(u: Any, result: Any, x: Any) -> Any:
    return u * (result * (1 - result))


@derivative_of(ops.silu)
def silu(u: Any, result: Any, x: Any) -> Any:
    gate = ops.sigmoid(x)
    return u * (gate * (x * (1 - gate) + 1))


@derivative_of(ops.softplus)
def softplus(u: Any, result: Any, x: Any) -> Any:
    return u * ops.sigmoid(x)


@derivative_of(ops.log_sigmoid)
def log_sigmoid(u: Any, result: Any, x: Any) -> Any:
    return u * ops.sigmoid(-x)


@derivative_of(ops.softsign)
def softsign(u: Any, result: Any, x: Any) -> Any:
    return u / ops.square(ops.abs(x) + 1)


@derivative_of(ops.hard_sigmoid)
def hard_sigmoid(u: Any, result: Any, x: Any) -> Any:
    return u * as_factor(ops.abs(x) < 3, u) / 6
