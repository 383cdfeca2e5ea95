"""Comparisons, the larger and the smaller of two, and kinds of floating-point numbers."""

from __future__ import annotations

from collections.abc import Callable

from ..codegen.builder import Builder, Value
from ..codegen.types import FLOATING, SIGNED, vector
from .bits import INFINITY, absolute

_FIRST_INFINITE = {"float16": 65520.0, "bfloat16": (2 - 2.0**-8) * 2.0**127}
"""The smallest number that is rounded to infinity in memory, of dtypes that are computed in a wider one."""


def comparison(predicate: str) -> Callable[[Builder, str, Value, Value], Value]:
    """A function that compares by "eq", "ne", "lt", "le", "gt" or "ge"."""

    def compare(b: Builder, dtype: str, x1: Value, x2: Value) -> Value:
        if dtype in FLOATING:  # of the orders with NaN, "ne" alone is true
            return b.compare("une" if predicate == "ne" else f"o{predicate}", x1, x2)
        if predicate in ("eq", "ne"):
            return b.compare(predicate, x1, x2)
        return b.compare(f"{'s' if dtype in SIGNED else 'u'}{predicate}", x1, x2)

    return compare


def maximum(b: Builder, dtype: str, x1: Value, x2: Value) -> Value:
    """The larger; NaN where either is."""
    return _extreme(b, dtype, "gt", x1, x2)


def minimum(b: Builder, dtype: str, x1: Value, x2: Value) -> Value:
    """The smaller; NaN where either is."""
    return _extreme(b, dtype, "lt", x1, x2)


def _extreme(b: Builder, dtype: str, predicate: str, x1: Value, x2: Value) -> Value:
    if dtype not in FLOATING:
        return b.select(comparison(predicate)(b, dtype, x1, x2), x1, x2)
    if is_constant(x2):
        x1, x2 = x2, x1
    picked = b.select(b.compare(f"o{predicate}", x1, x2), x1, x2)  # x2 where either is NaN: one instruction of x86
    if is_constant(x1) and not _is_nan(x1):
        return picked
    return b.select(b.compare("uno", x1, x1), x1, picked)


def is_constant(x: Value) -> bool:
    """Whether a value is known now, not computed by an instruction."""
    return not x.text.startswith("%")


def _is_nan(constant: Value) -> bool:
    return any(bits in constant.text for bits in ("0x7FF8", "0xFFF8"))


def isnan(b: Builder, dtype: str, x: Value) -> Value:
    """Whether x is NaN."""
    return b.compare("uno", x, x) if dtype in FLOATING else b.constant(vector("i1", x.lanes), 0)


def isinf(b: Builder, dtype: str, x: Value) -> Value:
    """Whether x is infinite, or would be in memory."""
    if dtype not in FLOATING:
        return isnan(b, dtype, x)
    return b.compare("oge", absolute(b, x), b.constant(x.type, _FIRST_INFINITE.get(dtype, INFINITY)))


def isfinite(b: Builder, dtype: str, x: Value) -> Value:
    """Whether x is neither NaN nor infinite, nor would be in memory."""
    if dtype not in FLOATING:
        return b.constant(vector("i1", x.lanes), 1)
    return b.compare("olt", absolute(b, x), b.constant(x.type, _FIRST_INFINITE.get(dtype, INFINITY)))
