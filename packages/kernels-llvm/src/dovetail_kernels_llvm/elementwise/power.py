"""x to the power y, as 2^(y·log2 x)."""

from __future__ import annotations

from math import log

from ..codegen.builder import Builder, Value
from .arithmetic import reciprocal, sqrt
from .bits import (
    EXPONENT_BIAS,
    FRACTION_BITS,
    INFINITY,
    NAN,
    SIGN_BIT,
    absolute,
    at_least,
    at_most,
    bits_of,
    from_bits,
    to_bits,
)
from .comparison import is_constant
from .exact import Pair, ordered_sum, pair_product, pair_sum, plain_add, plain_mul, plain_sub, two_product, two_sum
from .exponential import LOG2_HIGH, LOG2_LOW, MAGIC, exp_of_reduced, scaled_twice
from .logarithm import split
from .polynomials import polynomial
from .rounding import trunc

# log2((1 + s) / (1 − s)) = s·(2/log 2 + z·P(z)) with z = s², on 0 ≤ s ≤ (√2 − 1) / (√2 + 1): 2^-37.6.
_LOG2 = (2 / log(2), 0.961796679228514, 0.5770828452949636, 0.41170670807586335, 0.3402124401115177)
# 2ʳ on |r| ≤ ½: 2^-32.0.
_EXP2 = (
    *(1.0, 0.6931471838179326, 0.24022650920834812, 0.05550400372193997, 0.00961805691910572, 0.0013341953338073195),
    *(0.00015461366982588313, 1.3359332390613613e-05),
)
# (log((1 + s) / (1 − s)) / s − 2 − 2z/3) / z² there: 2^-66.2 of the logarithm.
_LOG_REST = (
    *(0.40000000000002256, 0.2857142857009936, 0.22222222519992368, 0.1818178435894958, 0.1538675778536496),
    *(0.13256805662287588, 0.13196452866228853),
)
_TWO_THIRDS = (0.6666666666666666, 3.700743415417188e-17)


def pow_(b: Builder, x: Value, y: Value) -> Value:
    """x to the power y, with the special cases of C99, annex F.9.4.4."""
    short = _by_products(b, x, y)
    if short is not None:
        return short
    magnitude = absolute(b, x)
    result = _positive_double(b, magnitude, y) if x.element == "double" else _positive_float(b, magnitude, y)
    zero, one, nan = (b.constant(x.type, number) for number in (0.0, 1.0, NAN))
    result = b.select(b.compare("oeq", magnitude, one), one, result)  # with y = ±∞ too
    # A negative x: the sign of odd powers, and no power that isn't whole.
    is_whole = b.compare("oeq", trunc(b, y), y)
    half = b.mul(y, b.constant(y.type, 0.5))
    is_odd = b.operate("and", is_whole, b.compare("one", trunc(b, half), half))
    sign = b.operate("and", to_bits(b, x), bits_of(b, x, SIGN_BIT[x.element]))
    signed = from_bits(b, b.operate("xor", to_bits(b, result), b.select(is_odd, sign, bits_of(b, x, 0))))
    is_negative = b.operate("and", b.compare("olt", x, zero), b.compare("ogt", x, b.constant(x.type, -INFINITY)))
    is_undefined = b.operate("and", is_negative, b.operate("xor", is_whole, b.constant(is_whole.type, 1)))
    result = b.select(b.operate("or", is_undefined, b.compare("uno", x, y)), nan, signed)
    is_one = b.operate("or", b.compare("oeq", y, zero), b.compare("oeq", x, one))
    return b.select(is_one, one, result)


def _by_products(b: Builder, x: Value, y: Value) -> Value | None:
    """The power by a few products where y is a small whole number that is known now, and ½ by a root."""
    if not is_constant(y):
        return None
    for exponent in (0, 1, 2, 3, 4, -1, -2):
        if y == b.constant(y.type, float(exponent)):
            return _whole_power(b, x, exponent)
    if y == b.constant(y.type, 0.5):  # −0 to 0, and −∞ to ∞, which roots don't do
        positive = b.add(x, b.constant(x.type, 0.0))
        is_lowest = b.compare("oeq", x, b.constant(x.type, -INFINITY))
        return b.select(is_lowest, b.constant(x.type, INFINITY), sqrt(b, positive))
    return None


def _whole_power(b: Builder, x: Value, exponent: int) -> Value:
    if exponent < 0:
        return _whole_power(b, reciprocal(b, x), -exponent)
    if exponent == 0:
        return b.constant(x.type, 1.0)
    if exponent == 1:
        return x
    half = _whole_power(b, x, exponent // 2)
    square = b.mul(half, half)
    return b.mul(square, x) if exponent % 2 else square


def _positive_float(b: Builder, x: Value, y: Value) -> Value:
    """x^y of floats x ≥ 0, in double precision, whose range also holds what is subnormal or infinite as a float."""
    x, y = b.convert("fpext", x, "double"), b.convert("fpext", y, "double")
    k, f = split(b, x)
    s = b.fdiv(f, b.add(f, b.constant(f.type, 2.0)))
    logarithm = b.fma(s, polynomial(b, b.mul(s, s), _LOG2), k)
    exponent = b.mul(y, _of_extremes(b, x, logarithm))
    exponent = at_least(b, at_most(b, exponent, 300.0), -300.0)
    magic = b.constant(x.type, MAGIC["double"])
    shifted = b.add(exponent, magic)
    r = b.sub(exponent, b.sub(shifted, magic))
    power = b.operate("shl", to_bits(b, shifted), bits_of(b, x, FRACTION_BITS["double"]))
    return b.convert("fptrunc", from_bits(b, b.add(to_bits(b, polynomial(b, r, _EXP2)), power)), "float")


def _of_extremes(b: Builder, x: Value, logarithm: Value) -> Value:
    """A logarithm of x > 0, or what it is of 0 and ∞."""
    logarithm = b.select(b.compare("oeq", x, b.constant(x.type, 0.0)), b.constant(x.type, -INFINITY), logarithm)
    return b.select(b.compare("oeq", x, b.constant(x.type, INFINITY)), x, logarithm)


def _positive_double(b: Builder, x: Value, y: Value) -> Value:
    """x^y of doubles x ≥ 0: the logarithm and its product with y in two numbers each."""
    high, low = _logarithm(b, x)
    product, error = two_product(b, high, y)
    low = b.fma(low, y, error)
    extreme = b.mul(_of_extremes(b, x, high), y)  # ±∞ where the exponent is beyond all range, by x or by y
    is_beyond = b.compare("oge", absolute(b, extreme), b.constant(x.type, 800.0))
    product = b.select(is_beyond, at_least(b, at_most(b, extreme, 800.0), -800.0), product)
    low = b.select(is_beyond, b.constant(x.type, 0.0), low)
    total, low = ordered_sum(b, product, low)
    # e^(total + low), as in `exponential`
    magic = b.constant(x.type, MAGIC["double"] + 2 * EXPONENT_BIAS["double"])
    shifted = b.fma(total, b.constant(x.type, 1 / log(2)), magic)
    n = b.sub(shifted, magic)
    near = b.fma(n, b.constant(x.type, -LOG2_HIGH["double"]), total)
    r, error = two_sum(b, near, plain_mul(b, n, b.constant(x.type, -LOG2_LOW["double"])))
    power = exp_of_reduced(b, *ordered_sum(b, r, plain_add(b, low, error)))
    return scaled_twice(b, power, to_bits(b, shifted))


def _logarithm(b: Builder, x: Value) -> Pair:
    """log x of x > 0 in two numbers, to about 2^-65."""
    k, f = split(b, x)
    two = b.constant(x.type, 2.0)
    divisor = two_sum(b, two, f)
    s = b.fdiv(f, divisor[0])
    product, error = two_product(b, s, divisor[0])
    lacking = plain_sub(b, plain_sub(b, plain_sub(b, f, product), error), plain_mul(b, s, divisor[1]))
    ratio = s, b.fdiv(lacking, divisor[0])
    z = pair_product(b, ratio, ratio)
    rest = ordered_sum(b, b.constant(x.type, _TWO_THIRDS[0]), plain_mul(b, z[0], polynomial(b, z[0], _LOG_REST)))
    rest = rest[0], plain_add(b, rest[1], b.constant(x.type, _TWO_THIRDS[1]))
    correction = pair_product(b, pair_product(b, ratio, z), rest)
    total = pair_sum(b, (plain_mul(b, two, ratio[0]), plain_mul(b, two, ratio[1])), correction)
    whole = plain_mul(b, k, b.constant(x.type, LOG2_HIGH["double"]))
    small = two_product(b, k, b.constant(x.type, LOG2_LOW["double"]))
    return pair_sum(b, pair_sum(b, (whole, b.constant(x.type, 0.0)), small), total)
