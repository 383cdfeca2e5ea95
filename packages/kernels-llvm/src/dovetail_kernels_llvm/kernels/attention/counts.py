"""Whole numbers of which some are known when a kernel is written: arithmetic that folds them."""

from __future__ import annotations

from ...codegen.builder import Builder, Value

Count = Value | int
"""A whole number known when the kernel runs (i64), or already when it is written."""


def value_of(b: Builder, count: Count) -> Value:
    """A count as a value of type i64."""
    return b.index(count) if isinstance(count, int) else count


def plus(b: Builder, left: Count, right: Count) -> Count:
    """Their sum."""
    if isinstance(left, int) and isinstance(right, int):
        return left + right
    if left == 0:
        return right
    return left if right == 0 else b.add(value_of(b, left), value_of(b, right))


def minus(b: Builder, left: Count, right: Count) -> Count:
    """Their difference."""
    if isinstance(left, int) and isinstance(right, int):
        return left - right
    return left if right == 0 else b.sub(value_of(b, left), value_of(b, right))


def times(b: Builder, count: Count, factor: int) -> Count:
    """A multiple."""
    if isinstance(count, int):
        return count * factor
    return count if factor == 1 else b.mul(count, b.index(factor))


def smaller(b: Builder, left: Count, right: Count) -> Count:
    """The smaller of both."""
    if isinstance(left, int) and isinstance(right, int):
        return min(left, right)
    return b.minimum(value_of(b, left), value_of(b, right))


def larger(b: Builder, left: Count, right: Count) -> Count:
    """The larger of both."""
    if isinstance(left, int) and isinstance(right, int):
        return max(left, right)
    one, other = value_of(b, left), value_of(b, right)
    return b.select(b.compare("sgt", one, other), one, other)


def divided(b: Builder, count: Count, divisor: int) -> Count:
    """How many times a divisor fits into a count that isn't negative."""
    if isinstance(count, int):
        return count // divisor
    return b.operate("udiv", count, b.index(divisor))


def parts(b: Builder, count: Count, size: int) -> Count:
    """How many parts of a size cover a count that isn't negative."""
    return divided(b, plus(b, count, size - 1), size)
