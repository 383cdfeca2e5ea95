"""Sine, cosine and tangent."""

from __future__ import annotations

from ..codegen.builder import Builder, Value
from .angle_reduction import Reduced, quarter_turns, signed_by
from .bits import absolute, to_bits
from .exact import Pair, ordered_sum, plain_add, plain_sub, two_product
from .polynomials import polynomial

# sin r = r + r·z·P(z) and cos r = 1 − z/2 + z²·Q(z) with z = r², on |r| ≤ π/4: 2^-27.9 and 2^-33.1 in single, 2^-57.8
# and 2^-64.1 in double precision.
_SIN = {
    "float": (-0.16666655242443085, 0.008332188241183758, -0.00019518093904480338),
    "double": (
        *(-0.1666666666666663, 0.00833333333332184, -0.00019841269829358414, 2.7557313538450342e-06),
        *(-2.505073438130005e-08, 1.5895433333652154e-10),
    ),
}
_COS = {
    "float": (0.04166664555668831, -0.00138873013202101, 2.443067387503106e-05),
    "double": (
        *(0.0416666666666666, -0.0013888888888874457, 2.4801587289652902e-05, -2.755731439390272e-07),
        *(2.087572811947605e-09, -1.1359865668585109e-11),
    ),
}


def sin(b: Builder, x: Value) -> Value:
    """The sine; NaN of infinities."""
    value = _sine(b, x, quarters=0)
    return signed_by(b, value, to_bits(b, x), {"float": 31, "double": 63}[x.element])


def cos(b: Builder, x: Value) -> Value:
    """The cosine; NaN of infinities."""
    return _sine(b, x, quarters=1)


def _sine(b: Builder, x: Value, quarters: int) -> Value:
    """The sine of |x| and some quarter turns."""
    if x.element == "double":
        reduced = quarter_turns(b, absolute(b, x), precise=True)
        sine, cosine = (b.add(*parts) for parts in _sine_and_cosine(b, reduced))
        turns = reduced.turns
    else:
        reduced = quarter_turns(b, b.convert("fpext", absolute(b, x), "double"), precise=False)
        r = b.convert("fptrunc", reduced.high, "float")
        z = b.mul(r, r)
        sine = b.fma(b.mul(r, z), polynomial(b, z, _SIN["float"]), r)
        cosine = polynomial(b, z, (1.0, -0.5, *_COS["float"]))
        turns = b.convert("trunc", reduced.turns, "i32")
    if quarters:
        turns = b.add(turns, b.constant(turns.type, quarters))
    return signed_by(b, b.select(_is_odd(b, turns), cosine, sine), turns, 1)


def _is_odd(b: Builder, turns: Value) -> Value:
    one = b.constant(turns.type, 1)
    return b.compare("ne", b.operate("and", turns, one), b.constant(turns.type, 0))


def _sine_and_cosine(b: Builder, reduced: Reduced) -> tuple[Pair, Pair]:
    """Of doubles, each as a sum of two. Source: fdlibm, k_sin.c and k_cos.c."""
    r, low = reduced.high, reduced.low
    assert low is not None
    one = b.constant(r.type, 1.0)
    z = b.mul(r, r)
    half = b.mul(z, b.constant(r.type, 0.5))
    near = plain_sub(b, one, half)
    small = b.fma(b.mul(r, z), polynomial(b, z, _SIN["double"]), b.mul(low, near))
    rest = b.sub(b.mul(b.mul(z, z), polynomial(b, z, _COS["double"])), b.mul(r, low))
    return (r, small), (near, plain_add(b, plain_sub(b, plain_sub(b, one, near), half), rest))


def tan(b: Builder, x: Value) -> Value:
    """The tangent; NaN of infinities."""
    return _tan_float(b, x) if x.element == "float" else _tan_double(b, x)


def _tan_float(b: Builder, x: Value) -> Value:
    """Sine by cosine, or less the other way round, computed in double precision."""
    reduced = quarter_turns(b, b.convert("fpext", absolute(b, x), "double"), precise=False)
    r = reduced.high
    z = b.mul(r, r)
    sine = b.fma(b.mul(r, z), polynomial(b, z, _SIN["float"]), r)
    cosine = polynomial(b, z, (1.0, -0.5, *_COS["float"]))
    is_odd = _is_odd(b, reduced.turns)
    quotient = b.fdiv(b.select(is_odd, cosine, sine), b.select(is_odd, sine, cosine))
    result = b.convert("fptrunc", signed_by(b, quotient, reduced.turns, 0), "float")
    return signed_by(b, result, to_bits(b, x), 31)


def _tan_double(b: Builder, x: Value) -> Value:
    """The same with what the quotient lacks."""
    reduced = quarter_turns(b, absolute(b, x), precise=True)
    sine, cosine = (ordered_sum(b, *parts) for parts in _sine_and_cosine(b, reduced))
    is_odd = _is_odd(b, reduced.turns)
    numerator = [b.select(is_odd, ours, other) for ours, other in zip(cosine, sine, strict=True)]
    denominator = [b.select(is_odd, ours, other) for ours, other in zip(sine, cosine, strict=True)]
    quotient = b.fdiv(numerator[0], denominator[0])
    product, error = two_product(b, quotient, denominator[0])
    lacking = plain_sub(b, plain_sub(b, numerator[0], product), error)
    lacking = b.add(lacking, b.fma(b.neg(quotient), denominator[1], numerator[1]))
    result = b.add(quotient, b.fdiv(lacking, denominator[0]))
    return signed_by(b, signed_by(b, result, reduced.turns, 0), to_bits(b, x), 63)
