"""Activation functions whose formulas take several operations, in the form that is cheapest here."""

from __future__ import annotations

from math import log, pi, sqrt

from ..codegen.builder import Builder, Value
from .bits import absolute, at_least, at_most
from .comparison import maximum, minimum
from .error_function import erf
from .exponential import exp, expm1
from .hyperbolic import sigmoid, tanh
from .logarithm import log1p, log1p_ordinary

SELU_ALPHA = 1.6732632423543772848170429916717
SELU_SCALE = 1.0507009873554804934193349852946


def relu(b: Builder, dtype: str, x: Value) -> Value:
    """The larger of x and 0; NaN of NaN."""
    return maximum(b, dtype, x, b.constant(x.type, 0))


def relu6(b: Builder, dtype: str, x: Value) -> Value:
    """x between 0 and 6, and the nearer of them outside."""
    return minimum(b, dtype, relu(b, dtype, x), b.constant(x.type, 6))


def clip(b: Builder, dtype: str, x: Value, low: Value, high: Value) -> Value:
    """The smaller of `high` and the larger of x and `low`."""
    return minimum(b, dtype, maximum(b, dtype, x, low), high)


def leaky_relu(b: Builder, x: Value, *, negative_slope: float = 0.2) -> Value:
    """x where it is positive, else x times the slope."""
    return b.select(_is_positive(b, x), x, b.mul(x, b.constant(x.type, negative_slope)))


def elu(b: Builder, x: Value, *, alpha: float = 1.0) -> Value:
    """x where it is positive, else alpha · (eˣ − 1)."""
    below = b.mul(expm1(b, at_most(b, x, 0.0)), b.constant(x.type, alpha))
    return b.select(_is_positive(b, x), x, below)


def selu(b: Builder, x: Value) -> Value:
    """`elu` with the constants that keep mean and variance."""
    return b.mul(elu(b, x, alpha=SELU_ALPHA), b.constant(x.type, SELU_SCALE))


def celu(b: Builder, x: Value, *, alpha: float = 1.0) -> Value:
    """x where it is positive, else alpha · (exp(x / alpha) − 1)."""
    number = b.constant(x.type, alpha)
    below = b.mul(expm1(b, b.fdiv(at_most(b, x, 0.0), number)), number)
    return b.select(_is_positive(b, x), x, below)


def gelu(b: Builder, x: Value, *, approximate: bool = False) -> Value:
    """x · ½ (1 + erf(x / √2)), or its approximation by tanh."""
    half = b.mul(x, b.constant(x.type, 0.5))
    if approximate:
        inner = b.fma(b.mul(x, x), b.constant(x.type, 0.044715 * sqrt(2 / pi)), b.constant(x.type, sqrt(2 / pi)))
        return b.fma(half, tanh(b, b.mul(x, inner)), half)
    return b.fma(half, erf(b, b.mul(x, b.constant(x.type, sqrt(0.5)))), half)


def silu(b: Builder, x: Value) -> Value:
    """x · sigmoid(x)."""
    return b.mul(x, sigmoid(b, x))


def softplus(b: Builder, x: Value) -> Value:
    """log(1 + eˣ), without overflow."""
    return b.add(at_least(b, x, 0.0), _softplus_less(b, x))


def log_sigmoid(b: Builder, x: Value) -> Value:
    """log(sigmoid(x)), without overflow."""
    return b.sub(at_most(b, x, 0.0), _softplus_less(b, x))


def _softplus_less(b: Builder, x: Value) -> Value:
    """log(1 + e^−|x|); any number for NaN, which the other term of the sum has."""
    power = exp(b, b.neg(absolute(b, x)))
    return log1p_ordinary(b, power, b.add(power, b.constant(x.type, 1.0)))


def softsign(b: Builder, x: Value) -> Value:
    """x / (1 + |x|)."""
    return b.fdiv(x, b.add(absolute(b, x), b.constant(x.type, 1.0)))


def hard_sigmoid(b: Builder, x: Value) -> Value:
    """relu6(x + 3) / 6."""
    shifted = b.add(x, b.constant(x.type, 3.0))
    return b.fdiv(at_most(b, at_least(b, shifted, 0.0), 6.0), b.constant(x.type, 6.0))


def hard_silu(b: Builder, x: Value) -> Value:
    """x · hard_sigmoid(x)."""
    return b.mul(x, hard_sigmoid(b, x))


def mish(b: Builder, x: Value) -> Value:
    """x · tanh(softplus(x)) = x · n / (n + 2) with n = eˣ·(eˣ + 2); from 20 on that is x."""
    power = exp(b, at_most(b, x, 20.0))
    product = b.mul(power, b.add(power, b.constant(x.type, 2.0)))
    return b.mul(x, b.fdiv(product, b.add(product, b.constant(x.type, 2.0))))


def logaddexp(b: Builder, x1: Value, x2: Value) -> Value:
    """log(exp(x1) + exp(x2)), without overflow. Equal operands are taken apart because ∞ − ∞ is NaN."""
    larger = b.select(b.compare("ogt", x1, x2), x1, x2)
    apart = b.add(larger, log1p(b, exp(b, b.neg(absolute(b, b.sub(x1, x2))))))
    return b.select(b.compare("oeq", x1, x2), b.add(x1, b.constant(x1.type, log(2.0))), apart)


def _is_positive(b: Builder, x: Value) -> Value:
    return b.compare("ogt", x, b.constant(x.type, 0.0))
