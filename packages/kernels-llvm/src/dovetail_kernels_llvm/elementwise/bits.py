"""Floating-point numbers by their bits: signs, magnitudes and powers of two."""

from __future__ import annotations

from ..codegen.builder import Builder, Value
from ..codegen.types import vector

INTEGERS = {"float": "i32", "double": "i64"}
"""The whole numbers that are as wide as a floating type."""

FRACTION_BITS = {"float": 23, "double": 52}
"""How many bits of a number are its fraction; above them are the exponent and the sign."""

EXPONENT_BIAS = {"float": 127, "double": 1023}
"""What is added to an exponent where it is stored."""

SIGN_BIT = {"float": -(1 << 31), "double": -(1 << 63)}

SMALLEST_NORMAL = {"float": 2.0**-126, "double": 2.0**-1022}

INFINITY, NAN = float("inf"), float("nan")


def to_bits(b: Builder, x: Value) -> Value:
    """The bits of floating-point numbers as whole numbers."""
    return b.convert("bitcast", x, INTEGERS[x.element])


def from_bits(b: Builder, bits: Value) -> Value:
    """Floating-point numbers of which the bits are given."""
    return b.convert("bitcast", bits, {"i32": "float", "i64": "double"}[bits.element])


def bits_of(b: Builder, x: Value, number: int) -> Value:
    """A whole number in every lane, for work on the bits of x."""
    return b.constant(vector(INTEGERS[x.element], x.lanes), number)


def absolute(b: Builder, x: Value) -> Value:
    """|x| of floating-point numbers."""
    return b.intrinsic("llvm.fabs", x.type, x)


def with_sign(b: Builder, magnitude: Value, sign: Value) -> Value:
    """The magnitude of one number with the sign bit of the other."""
    return b.intrinsic("llvm.copysign", magnitude.type, magnitude, sign)


def at_most(b: Builder, x: Value, limit: float) -> Value:
    """The smaller of x and a number; NaN stays NaN."""
    bound = b.constant(x.type, limit)
    return b.select(b.compare("olt", bound, x), bound, x)


def at_least(b: Builder, x: Value, limit: float) -> Value:
    """The larger of x and a number; NaN stays NaN."""
    bound = b.constant(x.type, limit)
    return b.select(b.compare("ogt", bound, x), bound, x)
