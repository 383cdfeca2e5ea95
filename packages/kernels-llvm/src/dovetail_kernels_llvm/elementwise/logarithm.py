"""log x and its relatives.

x = 2ᵏ · m with √½ ≤ m < √2; then log x = k·log 2 + log m.
"""

from __future__ import annotations

from ..codegen.builder import Builder, Value
from .bits import FRACTION_BITS, INFINITY, NAN, SMALLEST_NORMAL, bits_of, from_bits, to_bits, with_sign
from .exact import halves, plain_sub
from .exponential import LOG2_HIGH, LOG2_LOW
from .polynomials import polynomial

# log(1 + f) = f − f²/2 + f³·P(f) on √½ − 1 ≤ f ≤ √2 − 1: 2^-29.3.
_LOG_FLOAT = (
    *(0.3333331346511841, -0.2500016689300537, 0.20002223551273346, -0.16659368574619293, 0.14209571480751038),
    *(-0.12549689412117004, 0.12108823657035828, -0.10916325449943542, 0.05338656157255173),
)
# log2(1 + f) = f + f·P(f) there: 2^-25.9.
_LOG2_FLOAT = (
    *(0.4426950514316559, -0.7213472127914429, 0.48089438676834106, -0.36070716381073, 0.2887873947620392),
    *(-0.23954737186431885, 0.2005462646484375, -0.18764875829219818, 0.2097383290529251, -0.14634168148040771),
)
# log((1 + s) / (1 − s)) = 2s + s·z·R(z) with z = s², on 0 ≤ s ≤ (√2 − 1) / (√2 + 1): 2^-59.5.
_LOG_DOUBLE = (
    *(0.6666666666666734, 0.3999999999941681, 0.2857142874198236, 0.2222219860940684, 0.1818356267308951),
    *(0.15314087815507152, 0.14795621086017993),
)
_HALF_ROOT_BITS = {"float": 0x3F3504F3, "double": 0x3FE6A09E667F3BCD}
_ONE_BITS = {"float": 0x3F800000, "double": 0x3FF << 52}

_LOG2_E = (1.44269504072144627571e00, 1.67517131648865118353e-10)
_LOG10_E = {
    "float": (0.4342944920063019, -1.010305006321488e-08),
    "double": (4.34294481878168880939e-01, 2.50829467116452752298e-11),
}
_LOG10_2 = {
    "float": (0.301025390625, 4.6050389811980175e-06),
    "double": (3.01029995663611771306e-01, 3.69423907715893078616e-13),
}
"""Constants in two parts, the first with few bits. Source: FreeBSD, e_log2.c and e_log10.c."""


def log(b: Builder, x: Value) -> Value:
    """The natural logarithm: −∞ for 0, NaN below."""
    return where_positive(b, x, _natural(b, *split(b, x)))


def log1p(b: Builder, x: Value) -> Value:
    """log(1 + x), of which the bits that 1 + x loses are not lost."""
    total = b.add(x, b.constant(x.type, 1.0))
    return with_sign(b, where_positive(b, total, log1p_ordinary(b, x, total)), x)


def log1p_ordinary(b: Builder, x: Value, total: Value) -> Value:
    """log(1 + x) where `total` = 1 + x is positive and finite; a number of any kind elsewhere."""
    places = bits_of(b, x, FRACTION_BITS[x.element])
    above = _exponent(b, to_bits(b, total))
    shift = b.operate("shl", above, places)
    # f = x·2⁻ᵏ + (2⁻ᵏ − 1), where all is exact but the sum; 2⁻ᵏ as ¼ of a number that is never subnormal.
    # Source: N. Juffa, "accurate log1pf", https://stackoverflow.com/questions/49765717
    scaled = from_bits(b, b.sub(to_bits(b, x), shift))
    four = from_bits(b, b.sub(bits_of(b, x, _ONE_BITS[x.element] + (2 << FRACTION_BITS[x.element])), shift))
    f = b.add(scaled, b.fma(four, b.constant(x.type, 0.25), b.constant(x.type, -1.0)))
    return _natural(b, b.convert("sitofp", above, x.element), f)


def log2(b: Builder, x: Value) -> Value:
    """The logarithm to base 2, exact for powers of 2."""
    k, f = split(b, x)
    if x.element == "float":
        return where_positive(b, x, b.add(k, b.fma(f, polynomial(b, f, _LOG2_FLOAT), f)))
    high, low = _natural_in_parts(b, f)
    return where_positive(b, x, _to_base(b, k, high, low, _LOG2_E))


def log10(b: Builder, x: Value) -> Value:
    """The logarithm to base 10."""
    k, f = split(b, x)
    k_high, k_low = (b.constant(x.type, part) for part in _LOG10_2[x.element])
    if x.element == "float":
        factor_high, factor_low = (b.constant(x.type, part) for part in _LOG10_E["float"])
        natural = _natural(b, b.constant(x.type, 0.0), f)
        rest = b.fma(natural, factor_low, b.mul(k, k_low))
        return where_positive(b, x, b.fma(k, k_high, b.fma(natural, factor_high, rest)))
    high, low = _natural_in_parts(b, f)
    return where_positive(b, x, _to_base(b, b.mul(k, k_high), high, low, _LOG10_E["double"], b.mul(k, k_low)))


def _natural(b: Builder, k: Value, f: Value) -> Value:
    """k·log 2 + log(1 + f)."""
    high, low = b.constant(f.type, LOG2_HIGH[f.element]), b.constant(f.type, LOG2_LOW[f.element])
    if f.element == "float":
        square = b.mul(f, f)
        rest = b.fma(b.mul(square, f), polynomial(b, f, _LOG_FLOAT), b.mul(k, low))
        return b.fma(k, high, b.add(f, b.fma(square, b.constant(f.type, -0.5), rest)))
    half_square = b.mul(b.mul(f, b.constant(f.type, 0.5)), f)
    inner = b.fma(k, low, _natural_rest(b, f, half_square))
    return b.fma(k, high, b.sub(f, b.sub(half_square, inner)))


def _natural_rest(b: Builder, f: Value, half_square: Value) -> Value:
    """log(1 + f) − f + f²/2 of doubles, by s = f / (2 + f). Source: fdlibm, e_log.c."""
    s = b.fdiv(f, b.add(f, b.constant(f.type, 2.0)))
    z = b.mul(s, s)
    return b.mul(s, b.fma(z, polynomial(b, z, _LOG_DOUBLE), half_square))


def _natural_in_parts(b: Builder, f: Value) -> tuple[Value, Value]:
    """log(1 + f) of doubles in two parts, the first with few bits. Source: FreeBSD, e_log2.c."""
    half_square = b.mul(b.mul(f, b.constant(f.type, 0.5)), f)
    high, _ = halves(b, plain_sub(b, f, half_square))
    return high, b.add(plain_sub(b, plain_sub(b, f, high), half_square), _natural_rest(b, f, half_square))


def _to_base(
    b: Builder, k: Value, high: Value, low: Value, factor: tuple[float, float], k_low: Value | None = None
) -> Value:
    """k + (high + low)·factor, with one rounding that counts. Products of first parts are exact."""
    factor_high, factor_low = (b.constant(high.type, part) for part in factor)
    large = b.mul(high, factor_high)
    small = b.fma(b.add(low, high), factor_low, b.mul(low, factor_high))
    if k_low is not None:
        small = b.add(small, k_low)
    total = b.add(k, large)
    return b.add(total, b.add(small, b.add(b.sub(k, total), large)))


def split(b: Builder, x: Value) -> tuple[Value, Value]:
    """k and m − 1 of positive x; the subnormal included."""
    is_tiny = b.compare("olt", x, b.constant(x.type, SMALLEST_NORMAL[x.element]))
    lift = FRACTION_BITS[x.element] + 1
    bits = to_bits(b, b.select(is_tiny, b.mul(x, b.constant(x.type, 2.0**lift)), x))
    above = _exponent(b, bits)
    m = from_bits(b, b.sub(bits, b.operate("shl", above, bits_of(b, x, FRACTION_BITS[x.element]))))
    k = b.convert("sitofp", above, x.element)
    k = b.select(is_tiny, b.sub(k, b.constant(x.type, lift)), k)
    return k, b.sub(m, b.constant(x.type, 1.0))


def _exponent(b: Builder, bits: Value) -> Value:
    """k of numbers by their bits."""
    element = {"i32": "float", "i64": "double"}[bits.element]
    above = b.sub(bits, b.constant(bits.type, _HALF_ROOT_BITS[element]))
    return b.operate("ashr", above, b.constant(bits.type, FRACTION_BITS[element]))


def where_positive(b: Builder, x: Value, result: Value) -> Value:
    """The logarithm `result` where x is positive and finite, and what logarithms are elsewhere."""
    infinite = b.constant(x.type, INFINITY)
    result = b.select(b.compare("olt", x, infinite), result, x)
    zero = b.constant(x.type, 0.0)
    outside = b.select(b.compare("oeq", x, zero), b.constant(x.type, -INFINITY), b.constant(x.type, NAN))
    return b.select(b.compare("ogt", x, zero), result, outside)
