"""Arithmetic on floating-point numbers beyond what one instruction does."""

from __future__ import annotations

from ..codegen.builder import Builder, Value


def square(b: Builder, x: Value) -> Value:
    """x · x."""
    return b.mul(x, x)


def sqrt(b: Builder, x: Value) -> Value:
    """√x; NaN below 0."""
    return b.intrinsic("llvm.sqrt", x.type, x)


def reciprocal(b: Builder, x: Value) -> Value:
    """1 / x."""
    return b.fdiv(b.constant(x.type, 1.0), x)


def rsqrt(b: Builder, x: Value) -> Value:
    """1 / √x."""
    return reciprocal(b, sqrt(b, x))
