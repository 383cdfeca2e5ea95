"""Conversion of dtypes.

What NumPy leaves to the processor is written out, as it is on x86: a float out of an integer's range gives the least
number, and for integers of 8 and 16 bits the lowest bits of a 32-bit one.
"""

from __future__ import annotations

from ..codegen.builder import Builder, Value
from ..codegen.types import COMPUTED, FLOATING, SIGNED, SIZES, UNSIGNED
from .bits import absolute, from_bits, to_bits
from .memory import as_stored


def cast(b: Builder, source: str, target: str, x: Value) -> Value:
    """Lanes of one dtype as those of another."""
    if source == target:
        return x
    if target == "bool":
        return b.compare("une" if source in FLOATING else "ne", x, b.constant(x.type, 0))
    if target in FLOATING:
        return as_stored(b, target, _to_float(b, source, target, x))
    if source in FLOATING:
        return _to_integer(b, target, x)
    element = COMPUTED[target]
    if SIZES[element] <= SIZES[x.element] and source != "bool":
        return b.convert("trunc", x, element)
    return b.convert("sext" if source in SIGNED else "zext", x, element)


def _to_float(b: Builder, source: str, target: str, x: Value) -> Value:
    element = COMPUTED[target]
    if source in SIGNED:
        return b.convert("sitofp", x, element)
    if source in UNSIGNED or source == "bool":
        return b.convert("uitofp", x, element)
    if x.element == element:
        return x
    if element == "double":
        return b.convert("fpext", x, element)
    single = b.convert("fptrunc", x, element)
    return _rounded_to_odd(b, x, single) if target == "float16" else single


def _rounded_to_odd(b: Builder, x: Value, single: Value) -> Value:
    """A double as the single toward zero, with a last bit of 1 where that isn't exact: rounding it once more to a
    narrower type gives what rounding the double to it would. Source: S. Boldo, G. Melquiond, "Emulation of FMA and
    correctly rounded sums: proved algorithms using rounding to odd", IEEE Transactions on Computers 57 (2008)."""
    back = b.convert("fpext", single, "double")
    bits = to_bits(b, single)
    one = b.constant(bits.type, 1)
    is_above = b.compare("ogt", absolute(b, back), absolute(b, x))
    toward_zero = b.select(is_above, b.sub(bits, one), bits)
    is_inexact = b.compare("one", back, x)
    return from_bits(b, b.select(is_inexact, b.operate("or", toward_zero, one), toward_zero))


def _to_integer(b: Builder, target: str, x: Value) -> Value:
    element = COMPUTED[target]
    if SIZES[element] < 4:
        return b.convert("trunc", _to_signed(b, "i32", x), element)
    if target in SIGNED:
        return _to_signed(b, element, x)
    places = 8 * SIZES[element] - 1
    half = b.constant(x.type, 2.0**places)
    is_low = b.compare("olt", x, half)
    signed = _to_signed(b, element, b.select(is_low, x, b.sub(x, half)))
    return b.select(is_low, signed, b.operate("xor", signed, b.constant(signed.type, -(1 << places))))


def _to_signed(b: Builder, element: str, x: Value) -> Value:
    """Toward zero; the least number for what is out of range, and for NaN."""
    places = 8 * SIZES[element] - 1
    converted = b.convert("fptosi", x, element)
    is_within = b.compare("olt", absolute(b, x), b.constant(x.type, 2.0**places))
    return b.select(is_within, converted, b.constant(converted.type, -(1 << places)))
