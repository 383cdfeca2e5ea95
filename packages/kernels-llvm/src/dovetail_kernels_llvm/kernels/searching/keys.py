"""Elements as unsigned whole numbers that have the same order."""

from __future__ import annotations

from ...codegen.builder import Builder, Value
from ...codegen.types import FLOATING, SIGNED
from .ordering import compared_type, load_compared


def key_bits(dtype: str) -> int:
    """How many bits the key of an element has."""
    return 64 if compared_type(dtype) in ("i64", "double") else 32


def load_key(b: Builder, dtype: str, pointer: Value, *, descending: bool) -> Value:
    """The key of the element there: less where the element comes earlier, equal for equal elements. NaN is above all
    others, zeros of both signs are equal. Descending, all is the other way round.

    Source: Herf 2001, Radix Tricks, for the order of floating-point numbers as whole ones.
    """
    value = load_compared(b, dtype, pointer, 1)
    type_ = f"i{key_bits(dtype)}"
    sign = b.constant(type_, -1 << key_bits(dtype) - 1)
    if dtype in FLOATING:
        zero = b.constant(value.type, 0)
        positive = b.select(b.compare("oeq", value, zero), zero, value)
        bits = b.convert("bitcast", positive, type_)
        flipped = b.operate("ashr", bits, b.constant(type_, key_bits(dtype) - 1))
        ordered = b.operate("xor", bits, b.operate("or", flipped, sign))
        key = b.select(b.compare("uno", value, value), b.constant(type_, -1), ordered)
    else:
        key = b.operate("xor", value, sign) if dtype in SIGNED else value
    return b.operate("xor", key, b.constant(type_, -1)) if descending else key
