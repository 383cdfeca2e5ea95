"""eˣ and its relatives.

x = n·log 2 + r with a whole number n and |r| ≤ ½ log 2; then eˣ = 2ⁿ · eʳ, and eʳ is a polynomial. n·log 2 is
subtracted in two parts, of which the first has so few bits that its product with n is exact.
Source: W. J. Cody, W. Waite, Software Manual for the Elementary Functions, 1980, chapter 6.
"""

from __future__ import annotations

from math import log

from dovetail_protocols.records import record

from ..codegen.builder import Builder, Value
from .bits import EXPONENT_BIAS, FRACTION_BITS, at_least, at_most, bits_of, from_bits, to_bits
from .polynomials import polynomial


@record
class _Constants:
    """Of one floating type. `magic` + n has n in its lowest bits; `log2_high` + `log2_low` is log 2; `exp` are the
    coefficients of eʳ; beyond `lowest` and `highest` eˣ is 0 and ∞."""

    magic: float
    log2_high: float
    log2_low: float
    exp: tuple[float, ...]
    lowest: float
    highest: float


# Minimax in relative error, coefficients rounded one after the other: 2^-28.2 for float, 2^-63.5 for double.
CONSTANTS = {
    "float": _Constants(
        magic=1.5 * 2.0**23,
        log2_high=0.693359375,
        log2_low=-2.12194440054690583e-4,
        exp=(
            *(1.0, 1.0, 0.4999999403953552, 0.16666516661643982, 0.04166810214519501, 0.008369194343686104),
            0.0013838971499353647,
        ),
        lowest=-104.0,
        highest=89.0,
    ),
    "double": _Constants(
        magic=1.5 * 2.0**52,
        log2_high=6.93147180369123816490e-01,
        log2_low=1.90821492927058770002e-10,
        exp=(
            *(1.0, 1.0, 0.5, 0.16666666666666688, 0.041666666666666824, 0.008333333333313885, 0.0013888888888777696),
            *(0.00019841269903491385, 2.4801587562912477e-05, 2.7557228446392613e-06, 2.75570606910644e-07),
            *(2.511404956531503e-08, 2.0981193564708912e-09),
        ),
        lowest=-746.0,
        highest=710.0,
    ),
}


def exp(b: Builder, x: Value) -> Value:
    """eˣ, right also where the result is subnormal."""
    constants = CONSTANTS[x.element]
    x = at_least(b, at_most(b, x, constants.highest), constants.lowest)
    bias = 2 * EXPONENT_BIAS[x.element]
    n_bits, r = reduced(b, x, bias=bias)
    return scaled_twice(b, polynomial(b, r, constants.exp), n_bits)


def exp_normal(b: Builder, x: Value) -> Value:
    """eˣ where x is known to be such that the result is neither subnormal nor infinite; anything for NaN."""
    n_bits, r = reduced(b, x)
    places = bits_of(b, x, FRACTION_BITS[x.element])
    power = polynomial(b, r, CONSTANTS[x.element].exp)
    return from_bits(b, b.add(to_bits(b, power), b.operate("shl", n_bits, places)))


def reduced(b: Builder, x: Value, bias: int = 0) -> tuple[Value, Value]:
    """Whole numbers with n + bias in their lowest bits, and r: x = n·log 2 + r."""
    constants = CONSTANTS[x.element]
    magic = b.constant(x.type, constants.magic + bias)
    shifted = b.fma(x, b.constant(x.type, 1 / log(2)), magic)
    n = b.sub(shifted, magic)
    r = b.fma(n, b.constant(x.type, -constants.log2_high), x)
    return to_bits(b, shifted), b.fma(n, b.constant(x.type, -constants.log2_low), r)


def scaled_twice(b: Builder, x: Value, n_bits: Value) -> Value:
    """x · 2ⁿ, with n + bias in the lowest bits of n_bits (the bias twice that of the type), by two factors, so that the
    result may overflow, or be subnormal and rounded once."""
    places = bits_of(b, x, FRACTION_BITS[x.element])
    half = b.operate("lshr", n_bits, bits_of(b, x, 1))
    first = from_bits(b, b.operate("shl", half, places))
    second = from_bits(b, b.operate("shl", b.sub(n_bits, half), places))
    return b.mul(b.mul(x, first), second)
