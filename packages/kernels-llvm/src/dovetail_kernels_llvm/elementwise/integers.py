"""Arithmetic on whole numbers beyond what one instruction does. It wraps around, and nothing traps."""

from __future__ import annotations

from ..codegen.builder import Builder, Value
from ..codegen.types import SIGNED, SIZES
from .rounding import floor

_WIDE_ENOUGH = {"i8": "float", "i16": "float", "i32": "double"}
"""Floating types in which the rounded quotient of two such numbers never reaches the next whole number."""


def floor_divide(b: Builder, dtype: str, x1: Value, x2: Value) -> Value:
    """⌊x1 / x2⌋; 0 where x2 is 0. The least number by −1 is itself, as it is in NumPy."""
    quotient, _ = _divided(b, dtype, x1, x2)
    return quotient


def remainder(b: Builder, dtype: str, x1: Value, x2: Value) -> Value:
    """x1 − x2·⌊x1 / x2⌋; 0 where x2 is 0."""
    _, rest = _divided(b, dtype, x1, x2)
    return rest


def _divided(b: Builder, dtype: str, x1: Value, x2: Value) -> tuple[Value, Value]:
    zero, one = b.constant(x1.type, 0), b.constant(x1.type, 1)
    is_zero = b.compare("eq", x2, zero)
    divisor = b.select(is_zero, one, x2)
    if dtype in SIGNED:  # by −1 the quotient may be too large, where division instructions trap
        is_minus_one = b.compare("eq", x2, b.constant(x1.type, -1))
        divisor = b.select(is_minus_one, one, divisor)
        quotient = b.select(is_minus_one, b.neg(x1), _floored(b, dtype, x1, divisor))
    else:
        quotient = _floored(b, dtype, x1, divisor)
    quotient = b.select(is_zero, zero, quotient)
    return quotient, b.select(is_zero, zero, b.sub(x1, b.mul(quotient, x2)))


def _floored(b: Builder, dtype: str, x1: Value, divisor: Value) -> Value:
    """⌊x1 / divisor⌋ where nothing overflows."""
    is_signed = dtype in SIGNED
    if x1.element not in _WIDE_ENOUGH:
        if not is_signed:
            return b.operate("udiv", x1, divisor)
        quotient = b.operate("sdiv", x1, divisor)
        zero = b.constant(x1.type, 0)
        rest = b.sub(x1, b.mul(quotient, divisor))
        is_inexact = b.compare("ne", rest, zero)
        is_opposite = b.compare("slt", b.operate("xor", rest, divisor), zero)
        too_large = b.operate("and", is_inexact, is_opposite)
        return b.select(too_large, b.sub(quotient, b.constant(x1.type, 1)), quotient)
    element = _WIDE_ENOUGH[x1.element]
    to_float, to_integer = ("sitofp", "fptosi") if is_signed else ("uitofp", "fptoui")
    ratio = b.fdiv(b.convert(to_float, x1, element), b.convert(to_float, divisor, element))
    return b.convert(to_integer, floor(b, ratio) if is_signed else ratio, x1.element)


def pow_(b: Builder, x1: Value, x2: Value) -> Value:
    """x1 to the power x2 ≥ 0, wrapped around: by squares, as many as the largest exponent of all lanes needs."""
    zero, one = b.constant(x1.type, 0), b.constant(x1.type, 1)
    power, result, exponent = b.variable(x1), b.variable(one), b.variable(x2)
    with b.loop_while(lambda: b.any_lane(b.compare("ne", exponent.get(), zero))):
        bits = exponent.get()
        is_odd = b.compare("ne", b.operate("and", bits, one), zero)
        square = power.get()
        result.set(b.select(is_odd, b.mul(result.get(), square), result.get()))
        power.set(b.mul(square, square))
        exponent.set(b.operate("lshr", bits, one))
    return result.get()


def left_shift(b: Builder, x1: Value, x2: Value) -> Value:
    """x1·2^x2; 0 where all bits leave, and where x2 is negative, as in NumPy."""
    within = b.compare("ult", x2, b.constant(x2.type, 8 * SIZES[x1.element]))
    zero = b.constant(x1.type, 0)
    return b.select(within, b.operate("shl", x1, b.select(within, x2, zero)), zero)


def right_shift(b: Builder, dtype: str, x1: Value, x2: Value) -> Value:
    """⌊x1 / 2^x2⌋, also where all bits leave; a negative x2 counts as very large, as in NumPy."""
    last = b.constant(x2.type, 8 * SIZES[x1.element] - 1)
    within = b.compare("ule", x2, last)
    if dtype in SIGNED:
        return b.operate("ashr", x1, b.select(within, x2, last))
    zero = b.constant(x1.type, 0)
    return b.select(within, b.operate("lshr", x1, b.select(within, x2, zero)), zero)
