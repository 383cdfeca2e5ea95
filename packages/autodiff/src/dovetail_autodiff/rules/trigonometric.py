"""Trigonometric and hyperbolic functions and their inverses."""

from __future__ import annotations

from typing import Any

from dovetail_protocols import operations as ops

from .elementwise import derivative_of, derivatives_of


@derivative_of(ops.sin)
def sin(u: Any, result: Any, x: Any) -> Any:
    return u * ops.cos(x)


@derivative_of(ops.cos)
def cos(u: Any, result: Any, x: Any) -> Any:
    return -u * ops.sin(x)


@derivative_of(ops.tan)
def tan(u: Any, result: Any, x: Any) -> Any:
    return u * (result * result + 1)


@derivative_of(ops.asin)
def asin(u: Any, result: Any, x: Any) -> Any:
    return u / ops.sqrt(1 - x * x)


@derivative_of(ops.acos)
def acos(u: Any, result: Any, x: Any) -> Any:
    return -u / ops.sqrt(1 - x * x)


@derivative_of(ops.atan)
def atan(u: Any, result: Any, x: Any) -> Any:
    return u / (x * x + 1)


@derivatives_of(ops.atan2)
def atan2(result: Any, x1: Any, x2: Any) -> Any:
    def divided(numerator: Any) -> Any:
        return numerator / (x1 * x1 + x2 * x2)

    return (lambda u: divided(u * x2)), (lambda u: divided(-u * x1))


@derivative_of(ops.sinh)
def sinh(u: Any, result: Any, x: Any) -> Any:
    return u * ops.cosh(x)


@derivative_of(ops.cosh)
def cosh(u: Any, result: Any, x: Any) -> Any:
    return u * ops.sinh(x)


@derivative_of(ops.tanh)
def tanh(u: Any, result: Any, x: Any) -> Any:
    return u * (1 - result * result)


@derivative_of(ops.asinh)
def asinh(u: Any, result: Any, x: Any) -> Any:
    return u / ops.sqrt(x * x + 1)


@derivative_of(ops.acosh)
def acosh(u: Any, result: Any, x: Any) -> Any:
    # The product of two roots is on the branch of acosh; the root of the product x² − 1 is not, for Re x < 0.
    return u / (ops.sqrt(x - 1) * ops.sqrt(x + 1))


@derivative_of(ops.atanh)
def atanh(u: Any, result: Any, x: Any) -> Any:
    return u / (1 - x * x)
