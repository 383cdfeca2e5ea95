"""Arithmetic, element by element."""

from __future__ import annotations

from typing import Any

from dovetail_protocols import operations as ops

from ..extend import gradient_of, jvp_of, not_differentiable
from .elementwise import as_factor, derivative_of, derivatives_of


@derivatives_of(ops.add)
def add(result: Any, x1: Any, x2: Any) -> Any:
    return (lambda u: u), (lambda u: u)


@derivatives_of(ops.subtract)
def subtract(result: Any, x1: Any, x2: Any) -> Any:
    return (lambda u: u), (lambda u: -u)


@derivatives_of(ops.multiply)
def multiply(result: Any, x1: Any, x2: Any) -> Any:
    return (lambda u: u * x2), (lambda u: u * x1)


@derivatives_of(ops.divide)
def divide(result: Any, x1: Any, x2: Any) -> Any:
    return (lambda u: u / x2), (lambda u: -(u * result) / x2)


@derivatives_of(ops.remainder)
def remainder(result: Any, x1: Any, x2: Any) -> Any:
    return (lambda u: u), (lambda u: -u * ops.floor_divide(x1, x2))


not_differentiable(ops.floor_divide, "constant almost everywhere")


@derivatives_of(ops.pow)
def pow(result: Any, x1: Any, x2: Any) -> Any:
    def by_base(u: Any) -> Any:
        # 0⁰ is constant in its base; another base there keeps 0 · 0⁻¹ from being NaN.
        base = ops.where(ops.logical_and(x1 == 0, x2 == 0), 1, x1)
        return u * x2 * ops.pow(base, x2 - 1)

    def by_exponent(u: Any) -> Any:
        # 0 to a power is constant (0), though log(0) is not finite.
        return u * result * ops.log(ops.where(x1 == 0, 1, x1))

    return by_base, by_exponent


@derivative_of(ops.negative)
def negative(u: Any, result: Any, x: Any) -> Any:
    return -u


@derivative_of(ops.positive)
def positive(u: Any, result: Any, x: Any) -> Any:
    return u


@gradient_of(ops.abs)
def abs(cotangent: Any, result: Any, x: Any) -> Any:
    direction = ops.sign(x)
    return cotangent * (ops.conj(direction) if x.dtype.is_complex else direction)


@jvp_of(ops.abs)
def abs_forward(tangents: Any, result: Any, x: Any) -> Any:
    direction = ops.sign(x)
    return ops.real(ops.conj(direction) * tangents[0]) if x.dtype.is_complex else tangents[0] * direction


@derivative_of(ops.square)
def square(u: Any, result: Any, x: Any) -> Any:
    return u * (x * 2)


@derivative_of(ops.reciprocal)
def reciprocal(u: Any, result: Any, x: Any) -> Any:
    return -u * (result * result)


@derivative_of(ops.sqrt)
def sqrt(u: Any, result: Any, x: Any) -> Any:
    return u / (result * 2)


@derivative_of(ops.rsqrt)
def rsqrt(u: Any, result: Any, x: Any) -> Any:
    return u * result / (x * -2)


@derivatives_of(ops.hypot)
def hypot(result: Any, x1: Any, x2: Any) -> Any:
    return (lambda u: u * (x1 / result)), (lambda u: u * (x2 / result))


@derivatives_of(ops.maximum)
def maximum(result: Any, x1: Any, x2: Any) -> Any:
    return (lambda u: u * _share(x1 > x2, x1 >= x2, u)), (lambda u: u * _share(x2 > x1, x2 >= x1, u))


@derivatives_of(ops.minimum)
def minimum(result: Any, x1: Any, x2: Any) -> Any:
    return (lambda u: u * _share(x1 < x2, x1 <= x2, u)), (lambda u: u * _share(x2 < x1, x2 <= x1, u))


def _share(beyond: Any, beyond_or_equal: Any, like: Any) -> Any:
    """1 where an operand wins, ½ where the operands are equal."""
    return (as_factor(beyond, like) + as_factor(beyond_or_equal, like)) * 0.5


@derivatives_of(ops.clip)
def clip(result: Any, x: Any, low: Any, high: Any) -> Any:
    def by_x(u: Any) -> Any:
        if low is not None:
            u = u * as_factor(x >= low, u)
        return u if high is None else u * as_factor(x <= high, u)

    def by_low(u: Any) -> Any:
        u = u * as_factor(x < low, u)
        return u if high is None else u * as_factor(low <= high, u)

    def by_high(u: Any) -> Any:
        return u * as_factor((x if low is None else ops.maximum(x, low)) > high, u)

    return by_x, None if low is None else by_low, None if high is None else by_high
