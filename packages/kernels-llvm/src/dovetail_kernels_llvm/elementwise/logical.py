"""Logic on booleans and on the bits of whole numbers."""

from __future__ import annotations

from ..codegen.builder import Builder, Value


def both(b: Builder, x1: Value, x2: Value) -> Value:
    """The bits that both have."""
    return b.operate("and", x1, x2)


def either(b: Builder, x1: Value, x2: Value) -> Value:
    """The bits that one has, or both."""
    return b.operate("or", x1, x2)


def one_of(b: Builder, x1: Value, x2: Value) -> Value:
    """The bits that exactly one has."""
    return b.operate("xor", x1, x2)


def inverted(b: Builder, x: Value) -> Value:
    """The bits that x lacks."""
    return b.operate("xor", x, b.constant(x.type, 1 if x.element == "i1" else -1))
