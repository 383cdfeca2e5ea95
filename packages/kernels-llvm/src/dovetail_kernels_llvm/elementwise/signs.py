"""Signs, and the neighbors of a number among those that its dtype can represent."""

from __future__ import annotations

from ..codegen.builder import Builder, Value
from ..codegen.types import FLOATING, SIGNED, is_float
from .bits import absolute, bits_of, from_bits, to_bits, with_sign


def negative(b: Builder, x: Value) -> Value:
    return b.neg(x)


def magnitude(b: Builder, dtype: str, x: Value) -> Value:
    """|x|; of the least whole number, itself."""
    if dtype in FLOATING:
        return absolute(b, x)
    if dtype in SIGNED:
        return b.select(b.compare("slt", x, b.constant(x.type, 0)), b.neg(x), x)
    return x


def sign(b: Builder, dtype: str, x: Value) -> Value:
    """−1, 0 or 1; NaN of NaN."""
    zero, one = b.constant(x.type, 0), b.constant(x.type, 1)
    if dtype in FLOATING:
        is_zero_or_nan = b.compare("ueq", x, zero)
        return b.select(is_zero_or_nan, b.add(x, zero), with_sign(b, one, x))  # −0 gives 0
    positive = b.select(b.compare("eq", x, zero), zero, one)
    if dtype in SIGNED:
        return b.select(b.compare("slt", x, zero), b.constant(x.type, -1), positive)
    return positive


def signbit(b: Builder, x: Value) -> Value:
    return b.compare("slt", to_bits(b, x), bits_of(b, x, 0))


def copysign(b: Builder, x1: Value, x2: Value) -> Value:
    return with_sign(b, x1, x2)


def square(b: Builder, x: Value) -> Value:
    return b.mul(x, x)


def nextafter(b: Builder, x1: Value, x2: Value) -> Value:
    """The next number from x1 in the direction of x2."""
    assert is_float(x1.type), x1
    bits = to_bits(b, x1)
    one = bits_of(b, x1, 1)
    # Away from zero the bits count up, whatever the sign; from zero itself the smallest number of x2's sign is next.
    is_outward = b.compare("eq", b.compare("olt", x1, x2), b.compare("sge", bits, bits_of(b, x1, 0)))
    stepped = from_bits(b, b.select(is_outward, b.add(bits, one), b.sub(bits, one)))
    zero = b.constant(x1.type, 0.0)
    smallest = with_sign(b, from_bits(b, one), x2)
    result = b.select(b.compare("oeq", x1, zero), smallest, stepped)
    result = b.select(b.compare("oeq", x1, x2), x2, result)
    return b.select(b.compare("uno", x1, x2), b.add(x1, x2), result)
