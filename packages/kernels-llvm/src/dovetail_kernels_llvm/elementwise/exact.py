"""Sums and products with their rounding errors: numbers in two parts, the second below the last place of the first.

Written without `contract`, for fusing a product into a sum would change what the error is that of.
Source: T. J. Dekker, "A floating-point technique for extending the available precision", Numer. Math. 18 (1971).
"""

from __future__ import annotations

from ..codegen.builder import Builder, Value
from .bits import from_bits, to_bits

Pair = tuple[Value, Value]

_LOW_BITS = {"float": 0xFFF, "double": 0x7FFFFFF}
"""The lower half of a fraction's bits."""


def plain_add(b: Builder, x: Value, y: Value) -> Value:
    """x + y, which no product is fused into."""
    return b.instruction(f"fadd {x}, {y.text}", x.type)


def plain_sub(b: Builder, x: Value, y: Value) -> Value:
    return b.instruction(f"fsub {x}, {y.text}", x.type)


def plain_mul(b: Builder, x: Value, y: Value) -> Value:
    """x · y, which is fused into no sum."""
    return b.instruction(f"fmul {x}, {y.text}", x.type)


def ordered_sum(b: Builder, x: Value, y: Value) -> Pair:
    """x + y and its error, where |x| ≥ |y| or x = 0."""
    total = plain_add(b, x, y)
    return total, plain_sub(b, y, plain_sub(b, total, x))


def two_sum(b: Builder, x: Value, y: Value) -> Pair:
    """x + y and its error, whichever is larger.

    Source: D. E. Knuth, The Art of Computer Programming 2, section 4.2.2.
    """
    total = plain_add(b, x, y)
    of_y = plain_sub(b, total, x)
    of_x = plain_sub(b, total, of_y)
    return total, plain_add(b, plain_sub(b, x, of_x), plain_sub(b, y, of_y))


def two_product(b: Builder, x: Value, y: Value) -> Pair:
    """x · y and its error; without fused multiply-add, to within 2^-106 of the product."""
    product = plain_mul(b, x, y)
    if b.isa.fma:
        return product, b.intrinsic("llvm.fma", x.type, x, y, b.neg(product))
    (x_high, x_low), (y_high, y_low) = halves(b, x), halves(b, y)
    error = plain_sub(b, plain_mul(b, x_high, y_high), product)
    error = plain_add(b, error, plain_mul(b, x_high, y_low))
    error = plain_add(b, error, plain_mul(b, x_low, y_high))
    return product, plain_add(b, error, plain_mul(b, x_low, y_low))


def halves(b: Builder, x: Value) -> Pair:
    """x as a number of the upper half of its bits, and the rest, which has the same sign."""
    kept = b.constant(to_bits(b, x).type, ~_LOW_BITS[x.element])
    high = from_bits(b, b.operate("and", to_bits(b, x), kept))
    return high, plain_sub(b, x, high)


def pair_product(b: Builder, x: Pair, y: Pair) -> Pair:
    """x · y of two numbers in two parts, to about 2^-104."""
    product, error = two_product(b, x[0], y[0])
    return ordered_sum(b, product, b.fma(x[1], y[0], b.fma(x[0], y[1], error)))


def pair_sum(b: Builder, x: Pair, y: Pair) -> Pair:
    """x + y of two numbers in two parts, where |x| ≥ |y| or x = 0."""
    total, error = ordered_sum(b, x[0], y[0])
    return ordered_sum(b, total, plain_add(b, error, plain_add(b, x[1], y[1])))
