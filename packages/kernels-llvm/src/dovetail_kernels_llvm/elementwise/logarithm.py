"""log x and its relatives.

x = 2ᵏ · m with √½ ≤ m < √2; then log x = k·log 2 + log m.
"""

from __future__ import annotations

from ..codegen.builder import Builder, Value
from .bits import FRACTION_BITS, INFINITY, NAN, SMALLEST_NORMAL, bits_of, from_bits, to_bits
from .polynomials import polynomial

# log(1 + f) = f − f²/2 + f³·P(f) on √½ − 1 ≤ f ≤ √2 − 1, minimax in relative error of the whole: 2^-29.3.
LOG_FLOAT = (
    *(0.3333331346511841, -0.2500016689300537, 0.20002223551273346, -0.16659368574619293, 0.14209571480751038),
    *(-0.12549689412117004, 0.12108823657035828, -0.10916325449943542, 0.05338656157255173),
)
# log((1 + s) / (1 − s)) = 2s + s·z·R(z) with z = s², on 0 ≤ s ≤ (√2 − 1) / (√2 + 1): 2^-59.5.
LOG_DOUBLE = (
    *(0.6666666666666734, 0.3999999999941681, 0.2857142874198236, 0.2222219860940684, 0.1818356267308951),
    *(0.15314087815507152, 0.14795621086017993),
)
_HALF_ROOT_BITS = {"float": 0x3F3504F3, "double": 0x3FE6A09E667F3BCD}
LOG2_HIGH = {"float": 0.693359375, "double": 6.93147180369123816490e-01}
LOG2_LOW = {"float": -2.12194440054690583e-4, "double": 1.90821492927058770002e-10}


def log(b: Builder, x: Value) -> Value:
    """The natural logarithm: −∞ for 0, NaN below."""
    k, f = split(b, x)
    high, low = b.constant(x.type, LOG2_HIGH[x.element]), b.constant(x.type, LOG2_LOW[x.element])
    half_square = b.mul(b.mul(f, b.constant(x.type, 0.5)), f)
    if x.element == "float":
        cube = b.mul(b.mul(f, f), f)
        rest = b.sub(b.fma(cube, polynomial(b, f, LOG_FLOAT), b.mul(k, low)), half_square)
        result = b.fma(k, high, b.add(f, rest))
    else:
        # Source: fdlibm, e_log.c. log(1 + f) = f − (f²/2 − s·(f²/2 + R)), with s = f / (2 + f).
        s = b.fdiv(f, b.add(f, b.constant(x.type, 2.0)))
        z = b.mul(s, s)
        rest = b.mul(z, polynomial(b, z, LOG_DOUBLE))
        inner = b.fma(s, b.add(half_square, rest), b.mul(k, low))
        result = b.fma(k, high, b.sub(f, b.sub(half_square, inner)))
    return where_positive(b, x, result)


def split(b: Builder, x: Value) -> tuple[Value, Value]:
    """k and m − 1 of positive x; the subnormal included."""
    places = bits_of(b, x, FRACTION_BITS[x.element])
    is_tiny = b.compare("olt", x, b.constant(x.type, SMALLEST_NORMAL[x.element]))
    lift = FRACTION_BITS[x.element] + 1
    bits = to_bits(b, b.select(is_tiny, b.mul(x, b.constant(x.type, 2.0**lift)), x))
    above = b.operate("ashr", b.sub(bits, bits_of(b, x, _HALF_ROOT_BITS[x.element])), places)
    m = from_bits(b, b.sub(bits, b.operate("shl", above, places)))
    k = b.convert("sitofp", above, x.element)
    k = b.select(is_tiny, b.sub(k, b.constant(x.type, lift)), k)
    return k, b.sub(m, b.constant(x.type, 1.0))


def where_positive(b: Builder, x: Value, result: Value) -> Value:
    """The logarithm `result` where x is positive and finite, and what logarithms are elsewhere."""
    infinite = b.constant(x.type, INFINITY)
    result = b.select(b.compare("olt", x, infinite), result, x)
    zero = b.constant(x.type, 0.0)
    outside = b.select(b.compare("oeq", x, zero), b.constant(x.type, -INFINITY), b.constant(x.type, NAN))
    return b.select(b.compare("ogt", x, zero), result, outside)
