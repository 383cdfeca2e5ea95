"""Hyperbolic functions, and the sigmoid."""

from __future__ import annotations

from ..codegen.builder import Builder, Value
from .bits import absolute, at_most, with_sign
from .exponential import exp, exp_normal
from .polynomials import polynomial

# tanh x = x + x·z·P(z) with z = x², on 0 ≤ x ≤ 0.625, minimax in relative error: 2^-27.7.
TANH_FLOAT = (
    *(-0.3333328068256378, 0.13331405818462372, -0.05373651534318924, 0.02062816731631756),
    -0.005692295264452696,
)
_TANH_IS_ONE = 9.02


def sigmoid(b: Builder, x: Value) -> Value:
    """1 / (1 + e⁻ˣ). Below 0 as eˣ / (1 + eˣ), so that nothing overflows and small results are exact to the last."""
    power = exp(b, b.neg(absolute(b, x)))
    one = b.constant(x.type, 1.0)
    numerator = b.select(b.compare("olt", x, b.constant(x.type, 0.0)), power, one)
    return b.fdiv(numerator, b.add(power, one))


def tanh(b: Builder, x: Value) -> Value:
    """The hyperbolic tangent: an odd polynomial near 0, else 1 − 2 / (e²ˣ + 1)."""
    magnitude = absolute(b, x)
    square = b.mul(x, x)
    near = b.fma(b.mul(magnitude, square), polynomial(b, square, TANH_FLOAT), magnitude)
    clamped = at_most(b, magnitude, _TANH_IS_ONE)
    power = exp_normal(b, b.add(clamped, clamped))
    one = b.constant(x.type, 1.0)
    far = b.sub(one, b.fdiv(b.constant(x.type, 2.0), b.add(power, one)))
    is_near = b.compare("ult", magnitude, b.constant(x.type, 0.625))  # NaN too: there it stays NaN
    return with_sign(b, b.select(is_near, near, far), x)
