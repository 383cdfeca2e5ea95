"""Hyperbolic functions and their inverses, and the sigmoid."""

from __future__ import annotations

from math import log

from ..codegen.builder import Builder, Value
from .arithmetic import sqrt
from .bits import NAN, absolute, at_most, with_sign
from .exponential import exp, exp_normal, half_exp
from .logarithm import log as natural_logarithm
from .logarithm import log1p
from .polynomials import polynomial
from .wider import in_double

# tanh x = x + x·z·P(z) with z = x², on 0 ≤ x ≤ 0.625: 2^-27.7, 2^-56.4.
_TANH = {
    "float": (
        *(-0.3333328068256378, 0.13331405818462372, -0.05373651534318924, 0.02062816731631756),
        -0.005692295264452696,
    ),
    "double": (
        *(-0.33333333333332854, 0.13333333333261932, -0.0539682539311932, 0.02186948757438283, -0.008863220980180546),
        *(0.003591988992679375, -0.0014549579480157896, 0.0005863134946438723, -0.00022855805233125079),
        *(7.71373618758326e-05, -1.606914300850382e-05),
    ),
}
# sinh x = x + x·z·P(z) with z = x², on 0 ≤ x ≤ 1: 2^-31.6, 2^-61.7.
_SINH = {
    "float": (0.1666666716337204, 0.00833331048488617, 0.00019842895562760532, 2.7822131869470468e-06),
    "double": (
        *(0.16666666666666669, 0.008333333333332912, 0.00019841269841593405, 2.755731910676011e-06),
        *(2.5052130997894836e-08, 1.6056659255776186e-10, 7.776596706744547e-13),
    ),
}
_TANH_IS_ONE = {"float": 9.02, "double": 19.1}
_LARGE = 2.0**28
"""From here on x² + 1 is x² in double precision, with room to spare."""


def sigmoid(b: Builder, x: Value) -> Value:
    """1 / (1 + e⁻ˣ), from z = e^−|x|, which cannot overflow, and q = z / (1 + z): 1 − q, below 0 z − z·q, which is q
    without most of what rounding 1 + z has lost."""
    power = exp(b, b.neg(absolute(b, x)))
    one = b.constant(x.type, 1.0)
    quotient = b.fdiv(power, b.add(power, one))
    factor = b.select(b.compare("olt", x, b.constant(x.type, 0.0)), power, one)
    return b.fma(b.neg(factor), quotient, factor)


def tanh(b: Builder, x: Value) -> Value:
    """The hyperbolic tangent: an odd polynomial near 0, else 1 − 2 / (e²ˣ + 1). Source: Cody and Waite, chapter 13."""
    magnitude = absolute(b, x)
    near = _odd(b, magnitude, _TANH[x.element])
    clamped = at_most(b, magnitude, _TANH_IS_ONE[x.element])
    power = exp_normal(b, b.add(clamped, clamped))
    one = b.constant(x.type, 1.0)
    far = b.sub(one, b.fdiv(b.constant(x.type, 2.0), b.add(power, one)))
    is_near = b.compare("ult", magnitude, b.constant(x.type, 0.625))  # NaN too: there it stays NaN
    return with_sign(b, b.select(is_near, near, far), x)


def sinh(b: Builder, x: Value) -> Value:
    """(eˣ − e⁻ˣ) / 2: an odd polynomial near 0, and halves of powers that don't overflow beyond."""
    magnitude = absolute(b, x)
    power = half_exp(b, magnitude)
    far = b.sub(power, b.fdiv(b.constant(x.type, 0.25), power))
    is_near = b.compare("ult", magnitude, b.constant(x.type, 1.0))
    return with_sign(b, b.select(is_near, _odd(b, magnitude, _SINH[x.element]), far), x)


def cosh(b: Builder, x: Value) -> Value:
    """(eˣ + e⁻ˣ) / 2."""
    power = half_exp(b, absolute(b, x))
    return b.add(power, b.fdiv(b.constant(x.type, 0.25), power))


def _odd(b: Builder, x: Value, coefficients: tuple[float, ...]) -> Value:
    """x + x·z·P(z) with z = x²."""
    square = b.mul(x, x)
    return b.fma(b.mul(x, square), polynomial(b, square, coefficients), x)


# The inverse functions follow fdlibm: s_asinh.c, e_acosh.c, e_atanh.c.


@in_double
def asinh(b: Builder, x: Value) -> Value:
    """log(x + √(x² + 1)), with what x² adds to 1 kept where it is small."""
    magnitude = absolute(b, x)
    one = b.constant(x.type, 1.0)
    is_large = b.compare("ogt", magnitude, b.constant(x.type, _LARGE))
    bounded = at_most(b, magnitude, _LARGE)
    square = b.mul(bounded, bounded)
    root = sqrt(b, b.add(square, one))
    small = log1p(b, b.add(bounded, b.fdiv(square, b.add(root, one))))
    return with_sign(b, b.select(is_large, _log_of_twice(b, magnitude), small), x)


@in_double
def acosh(b: Builder, x: Value) -> Value:
    """log(x + √(x² − 1)); NaN below 1."""
    is_large = b.compare("ogt", x, b.constant(x.type, _LARGE))
    above = b.sub(at_most(b, x, _LARGE), b.constant(x.type, 1.0))
    root = sqrt(b, b.fma(above, above, b.add(above, above)))
    result = b.select(is_large, _log_of_twice(b, x), log1p(b, b.add(above, root)))
    return b.select(b.compare("olt", x, b.constant(x.type, 1.0)), b.constant(x.type, NAN), result)


@in_double
def atanh(b: Builder, x: Value) -> Value:
    """½ log((1 + x) / (1 − x)); NaN outside [−1, 1]."""
    magnitude = absolute(b, x)
    twice = b.add(magnitude, magnitude)
    rest = b.sub(b.constant(x.type, 1.0), magnitude)
    half = b.constant(x.type, 0.5)
    near = b.add(twice, b.fdiv(b.mul(twice, magnitude), rest))
    is_near = b.compare("olt", magnitude, half)
    result = b.mul(log1p(b, b.select(is_near, near, b.fdiv(twice, rest))), half)
    return with_sign(b, result, x)


def _log_of_twice(b: Builder, x: Value) -> Value:
    return b.add(natural_logarithm(b, x), b.constant(x.type, log(2.0)))
