"""Signs, and the neighbors of a number among those that its dtype can represent."""

from __future__ import annotations

from ..codegen.builder import Builder, Value
from ..codegen.types import FLOATING, SIGNED, STORED
from .bits import absolute, bits_of, from_bits, to_bits, with_sign
from .memory import as_stored, from_memory, to_memory


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
    """Whether the sign bit is set, of −0 and NaN too."""
    return b.compare("slt", to_bits(b, x), bits_of(b, x, 0))


def nextafter(b: Builder, dtype: str, x1: Value, x2: Value) -> Value:
    """The next number of the dtype from x1 in the direction of x2."""
    x1, x2 = as_stored(b, dtype, x1), as_stored(b, dtype, x2)
    bits = _stored_bits(b, dtype, x1)
    one, zero_bits = b.constant(bits.type, 1), b.constant(bits.type, 0)
    zero = b.constant(x1.type, 0.0)
    # Away from zero the bits count up, whatever the sign; from zero itself the smallest number of x2's sign is next.
    is_outward = b.operate("xor", b.compare("olt", x1, x2), b.compare("slt", bits, zero_bits))
    stepped = _of_stored_bits(b, dtype, b.select(is_outward, b.add(bits, one), b.sub(bits, one)))
    smallest = with_sign(b, _of_stored_bits(b, dtype, b.add(zero_bits, one)), x2)
    result = b.select(b.compare("oeq", x1, zero), smallest, stepped)
    result = b.select(b.compare("oeq", x1, x2), x2, result)
    return b.select(b.compare("uno", x1, x2), b.add(x1, x2), result)


def _stored_bits(b: Builder, dtype: str, x: Value) -> Value:
    if dtype in ("float16", "bfloat16"):
        return b.convert("bitcast", to_memory(b, dtype, x), "i16")
    return to_bits(b, x)


def _of_stored_bits(b: Builder, dtype: str, bits: Value) -> Value:
    if dtype in ("float16", "bfloat16"):
        return from_memory(b, dtype, b.convert("bitcast", bits, STORED[dtype]))
    return from_bits(b, bits)
