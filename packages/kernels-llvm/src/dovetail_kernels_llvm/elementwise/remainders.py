"""Remainder and floor division of floating-point numbers, and the hypotenuse."""

from __future__ import annotations

from ..codegen.builder import Builder, Value
from .arithmetic import sqrt
from .bits import INFINITY, NAN, absolute, with_sign
from .exact import halves
from .rounding import floor, trunc
from .wider import in_double


@in_double
def remainder(b: Builder, x: Value, y: Value) -> Value:
    """x − y·⌊x / y⌋, with the sign of y; exact where it can be represented. NaN where y is 0 or x infinite."""
    rest, is_opposite = _signed_rest(b, x, y)
    zero = b.constant(x.type, 0.0)
    rest = b.select(is_opposite, b.add(rest, y), rest)
    return b.select(b.compare("oeq", rest, zero), with_sign(b, zero, y), rest)


@in_double
def floor_divide(b: Builder, x: Value, y: Value) -> Value:
    """⌊x / y⌋, of x / y itself, not of a quotient that was rounded; x / y where that is infinite or NaN.

    Source: CPython, float_floor_div.
    """
    zero, one = b.constant(x.type, 0.0), b.constant(x.type, 1.0)
    rest, is_opposite = _signed_rest(b, x, y)
    quotient = b.fdiv(b.sub(x, rest), y)
    quotient = b.select(is_opposite, b.sub(quotient, one), quotient)
    whole = floor(b, quotient)
    whole = b.select(b.compare("ogt", b.sub(quotient, whole), b.constant(x.type, 0.5)), b.add(whole, one), whole)
    plain = b.fdiv(x, y)
    whole = b.select(b.compare("oeq", quotient, zero), with_sign(b, zero, plain), whole)
    is_plain = b.operate(
        "or", b.compare("oeq", y, zero), b.compare("oeq", absolute(b, x), b.constant(x.type, INFINITY))
    )
    return b.select(is_plain, plain, whole)


def _signed_rest(b: Builder, x: Value, y: Value) -> tuple[Value, Value]:
    """x less y times the whole number toward zero from x / y, and whether that isn't 0 and its sign isn't y's."""
    rest = with_sign(b, _rest(b, absolute(b, x), absolute(b, y)), x)
    zero = b.constant(x.type, 0.0)
    is_opposite = b.operate("xor", b.compare("olt", rest, zero), b.compare("olt", y, zero))
    return rest, b.operate("and", is_opposite, b.compare("one", rest, zero))


def _rest(b: Builder, x: Value, y: Value) -> Value:
    """The remainder of x ≥ 0 by y ≥ 0, exactly: by quotients of at most 26 bits, never too large, whose products with
    either half of y are exact, and so are the differences. One step does where x / y is below 2^26."""
    zero, one = b.constant(x.type, 0.0), b.constant(x.type, 1.0)
    is_proper = b.operate("and", b.compare("olt", x, b.constant(x.type, INFINITY)), b.compare("ogt", y, zero))
    rest = b.variable(b.select(b.operate("and", is_proper, b.compare("ord", y, y)), x, b.constant(x.type, NAN)))
    with b.loop_while(lambda: b.any_lane(b.compare("oge", rest.get(), y))):
        dividend = rest.get()
        divisor = y
        for _ in range(2):  # a multiple of y, where the quotient would overflow otherwise
            multiple = b.mul(divisor, b.constant(x.type, 2.0**600))
            divisor = b.select(b.compare("oge", dividend, multiple), multiple, divisor)
        below = b.mul(b.fdiv(dividend, divisor), b.constant(x.type, 1 - 2.0**-52))
        quotient, _ = halves(b, trunc(b, below))
        quotient = b.neg(b.select(b.compare("olt", quotient, one), one, quotient))
        high, low = halves(b, divisor)
        lowered = b.fma(quotient, low, b.fma(quotient, high, dividend))
        rest.set(b.select(b.compare("oge", dividend, y), lowered, dividend))
    return rest.get()


@in_double
def hypot(b: Builder, x: Value, y: Value) -> Value:
    """√(x² + y²), scaled by a power of two where squares might leave the range. Infinite where either operand is."""
    x, y = absolute(b, x), absolute(b, y)
    larger = b.select(b.compare("ogt", x, y), x, y)
    one, up, down = (b.constant(x.type, number) for number in (1.0, 2.0**600, 2.0**-600))
    is_large = b.compare("ogt", larger, b.constant(x.type, 2.0**500))
    is_small = b.compare("olt", larger, b.constant(x.type, 2.0**-450))
    factor = b.select(is_large, down, b.select(is_small, up, one))
    inverse = b.select(is_large, up, b.select(is_small, down, one))
    x_scaled, y_scaled = b.mul(x, factor), b.mul(y, factor)
    root = sqrt(b, b.fma(x_scaled, x_scaled, b.mul(y_scaled, y_scaled)))
    infinite = b.constant(x.type, INFINITY)
    is_infinite = b.operate("or", b.compare("oeq", x, infinite), b.compare("oeq", y, infinite))
    return b.select(is_infinite, infinite, b.mul(root, inverse))
