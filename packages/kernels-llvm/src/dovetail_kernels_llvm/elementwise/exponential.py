"""eˣ and its relatives.

x = n·log 2 + r with a whole number n and |r| ≤ ½ log 2; then eˣ = 2ⁿ · eʳ, and eʳ is a polynomial. n·log 2 is
subtracted in two parts, of which the first has so few bits that its product with n is exact.
Source: W. J. Cody, W. Waite, Software Manual for the Elementary Functions, 1980, chapter 6.

The coefficients here and in the modules beside it are minimax fits in relative error of the result (Remez' algorithm
with 200 bits), each rounded to the type before the next are fitted; what error remains is said beside them.
"""

from __future__ import annotations

from math import log

from ..codegen.builder import Builder, Value
from .bits import EXPONENT_BIAS, FRACTION_BITS, absolute, at_least, at_most, bits_of, from_bits, to_bits
from .polynomials import polynomial

MAGIC = {"float": 1.5 * 2.0**23, "double": 1.5 * 2.0**52}
"""Added to a number, this rounds it to a whole one and has that in its lowest bits."""

LOG2_HIGH = {"float": 0.693359375, "double": 6.93147180369123816490e-01}
LOG2_LOW = {"float": -2.12194440054690583e-4, "double": 1.90821492927058770002e-10}
"""log 2 in two parts; the first has 15 bits less than its type, of double 20. Source: Cody and Waite; fdlibm."""

# (eʳ − 1 − r) / r² on |r| ≤ ½ log 2: 2^-28.2 of eʳ in single, 2^-63.5 in double precision.
_EXP = {
    "float": (
        0.4999999403953552,
        0.16666516661643982,
        0.04166810214519501,
        0.008369194343686104,
        0.0013838971499353647,
    ),
    "double": (
        *(0.5, 0.16666666666666688, 0.041666666666666824, 0.008333333333313885, 0.0013888888888777696),
        *(0.00019841269903491385, 2.4801587562912477e-05, 2.7557228446392613e-06, 2.75570606910644e-07),
        *(2.511404956531503e-08, 2.0981193564708912e-09),
    ),
}
# (2ʳ − 1) / r on |r| ≤ ½: 2^-27.5 of 2ʳ, 2^-59.3.
_EXP2 = {
    "float": (
        *(0.6931472420692444, 0.24022655189037323, 0.05550272390246391, 0.009617060422897339),
        *(0.0013417901936918497, 0.00015827995957806706),
    ),
    "double": (
        *(0.6931471805599453, 0.2402265069591007, 0.05550410866482338, 0.009618129107630245, 0.0013333558146032438),
        *(0.00015403530388843033, 1.5252734169386073e-05, 1.3215491355582373e-06, 1.0177929918182677e-07),
        *(7.052953558599603e-09, 4.473949116515759e-10, 2.8695789625713398e-11),
    ),
}
# (eʳ − 1 − r) / r² as above, but relative to eʳ − 1: 2^-28.1, 2^-61.2.
_EXPM1 = {
    "float": (
        *(0.5, 0.16666635870933533, 0.041666511446237564, 0.008341507986187935, 0.0013930550776422024),
        0.0001504872925579548,
    ),
    "double": (
        *(0.5, 0.16666666666666677, 0.04166666666666669, 0.008333333333321737, 0.0013888888888884533),
        *(0.00019841269885448995, 2.480158730129076e-05, 2.7557245044548144e-06, 2.75573093957537e-07),
        *(2.51087440946307e-08, 2.090020761922574e-09),
    ),
}
_EXP_RANGE = {"float": (-104.0, 89.0), "double": (-746.0, 710.0)}
"""Beyond this the result is 0 or ∞."""
_EXP2_RANGE = {"float": (-151.0, 129.0), "double": (-1076.0, 1025.0)}
_EXPM1_LOWEST = {"float": -18.0, "double": -38.0}
"""Below this the result is −1."""
_EXPM1_IS_ITS_ARGUMENT = {"float": 2.0**-26, "double": 2.0**-55}


def exp(b: Builder, x: Value) -> Value:
    """eˣ, right also where the result is subnormal."""
    return _exp(b, x, *_EXP_RANGE[x.element], halvings=0)


def half_exp(b: Builder, x: Value) -> Value:
    """½ eˣ, where eˣ itself may overflow."""
    lowest, highest = _EXP_RANGE[x.element]
    return _exp(b, x, lowest, highest + 1.0, halvings=1)


def _exp(b: Builder, x: Value, lowest: float, highest: float, halvings: int) -> Value:
    x = at_least(b, at_most(b, x, highest), lowest)
    n_bits, r = reduced(b, x, bias=2 * EXPONENT_BIAS[x.element])
    if halvings:
        n_bits = b.sub(n_bits, bits_of(b, x, halvings))
    return scaled_twice(b, exp_of_reduced(b, r), n_bits)


def exp_normal(b: Builder, x: Value) -> Value:
    """eˣ where x is known to be such that the result is neither subnormal nor infinite; anything for NaN."""
    n_bits, r = reduced(b, x)
    places = bits_of(b, x, FRACTION_BITS[x.element])
    return from_bits(b, b.add(to_bits(b, exp_of_reduced(b, r)), b.operate("shl", n_bits, places)))


def exp_of_reduced(b: Builder, r: Value, low: Value | None = None) -> Value:
    """eʳ of |r| ≤ ½ log 2, or e^(r + low) with a low part that is below r's last place."""
    if low is None:
        return polynomial(b, r, (1.0, 1.0, *_EXP[r.element]))
    rest = b.fma(b.mul(r, r), polynomial(b, r, _EXP[r.element]), low)
    return b.add(b.constant(r.type, 1.0), b.add(r, rest))


def exp2(b: Builder, x: Value) -> Value:
    """2ˣ, right also where the result is subnormal."""
    lowest, highest = _EXP2_RANGE[x.element]
    x = at_least(b, at_most(b, x, highest), lowest)
    magic = b.constant(x.type, MAGIC[x.element] + 2 * EXPONENT_BIAS[x.element])
    shifted = b.add(x, magic)
    r = b.sub(x, b.sub(shifted, magic))
    return scaled_twice(b, polynomial(b, r, (1.0, *_EXP2[x.element])), to_bits(b, shifted))


def expm1(b: Builder, x: Value) -> Value:
    """eˣ − 1 = 2ⁿ·(eʳ − 1) + (2ⁿ − 1)."""
    element = x.element
    clamped = at_least(b, at_most(b, x, _EXP_RANGE[element][1]), _EXPM1_LOWEST[element])
    n_bits, r = reduced(b, clamped)
    part = b.fma(b.mul(r, r), polynomial(b, r, _EXPM1[element]), r)
    # Half of everything, for 2ⁿ itself overflows where eˣ doesn't yet.
    half = b.constant(x.type, 0.5)
    power = from_bits(b, b.add(to_bits(b, half), b.operate("shl", n_bits, bits_of(b, x, FRACTION_BITS[element]))))
    result = b.fma(part, power, b.sub(power, half))
    is_small = b.compare("olt", absolute(b, x), b.constant(x.type, _EXPM1_IS_ITS_ARGUMENT[element]))
    return b.select(is_small, x, b.add(result, result))


def reduced(b: Builder, x: Value, bias: int = 0) -> tuple[Value, Value]:
    """Whole numbers with n + bias in their lowest bits, and r: x = n·log 2 + r."""
    magic = b.constant(x.type, MAGIC[x.element] + bias)
    shifted = b.fma(x, b.constant(x.type, 1 / log(2)), magic)
    n = b.sub(shifted, magic)
    r = b.fma(n, b.constant(x.type, -LOG2_HIGH[x.element]), x)
    return to_bits(b, shifted), b.fma(n, b.constant(x.type, -LOG2_LOW[x.element]), r)


def scaled_twice(b: Builder, x: Value, n_bits: Value) -> Value:
    """x · 2ⁿ, with n + bias in the lowest bits of n_bits (the bias twice that of the type), by two factors, so that the
    result may overflow, or be subnormal and rounded once."""
    places = bits_of(b, x, FRACTION_BITS[x.element])
    half = b.operate("lshr", n_bits, bits_of(b, x, 1))
    first = from_bits(b, b.operate("shl", half, places))
    second = from_bits(b, b.operate("shl", b.sub(n_bits, half), places))
    return b.mul(b.mul(x, first), second)
