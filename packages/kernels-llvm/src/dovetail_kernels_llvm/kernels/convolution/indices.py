"""Arithmetic on whole numbers that are known now (int) or only when a kernel runs (Value): what is known is folded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext

from ...codegen.builder import Builder, Value

Index = Value | int


def value(b: Builder, index: Index) -> Value:
    """An index in a register."""
    return b.index(index) if isinstance(index, int) else index


def plus(b: Builder, one: Index, other: Index) -> Index:
    """The sum."""
    if isinstance(one, int) and isinstance(other, int):
        return one + other
    if isinstance(one, int) and one == 0:
        return other
    if isinstance(other, int) and other == 0:
        return one
    return b.instruction(f"add nsw {value(b, one)}, {value(b, other).text}", "i64")


def minus(b: Builder, one: Index, other: Index) -> Index:
    """The difference."""
    if isinstance(other, int):
        return plus(b, one, -other)
    return b.instruction(f"sub nsw {value(b, one)}, {other.text}", "i64")


def times(b: Builder, one: Index, other: Index) -> Index:
    """The product."""
    if isinstance(one, int) and isinstance(other, int):
        return one * other
    if isinstance(one, int):
        one, other = other, one
    if isinstance(other, int) and other in (0, 1):
        return one if other else 0
    return b.instruction(f"mul nsw {value(b, one)}, {value(b, other).text}", "i64")


def least(b: Builder, one: Index, other: Index) -> Index:
    """The smaller."""
    if isinstance(one, int) and isinstance(other, int):
        return min(one, other)
    return b.minimum(value(b, one), value(b, other))


def greatest(b: Builder, one: Index, other: Index) -> Index:
    """The larger."""
    if isinstance(one, int) and isinstance(other, int):
        return max(one, other)
    first, second = value(b, one), value(b, other)
    return b.select(b.compare("sgt", first, second), first, second)


def weighted(b: Builder, indices: Iterable[Index], weights: Iterable[int]) -> Index:
    """Σ index · weight: the place, in elements, of an element with these indices."""
    total: Index = 0
    known = 0
    for index, weight in zip(indices, weights, strict=True):
        if isinstance(index, int):
            known += index * weight
        else:
            total = plus(b, total, times(b, index, weight))
    return plus(b, total, known)


def digits(b: Builder, number: Index, sizes: Sequence[int]) -> list[Index]:
    """The indices of the `number`-th element, in row-major order, of an array of these sizes."""
    found: list[Index] = []
    for place, size in reversed(list(enumerate(sizes))):
        if size == 1:
            found.append(0)
        elif all(one == 1 for one in sizes[:place]):
            found.append(number)
        else:
            found.append(b.operate("urem", value(b, number), b.index(size)))
            number = b.operate("udiv", value(b, number), b.index(size))
    return found[::-1]


@contextmanager
def each(b: Builder, start: Index, stop: Index, step: int = 1) -> Iterator[Index]:
    """A loop over an index, written without a loop where it is known to run once."""
    if isinstance(start, int) and isinstance(stop, int) and 0 < stop - start <= step:
        with nullcontext():
            yield start
    else:
        with b.loop(value(b, start), value(b, stop), step) as index:
            yield index


def quotient(b: Builder, number: Index, divisor: int) -> Index:
    """Of a number from 0 up, rounded down."""
    if isinstance(number, int):
        return number // divisor
    return number if divisor == 1 else b.operate("udiv", number, b.index(divisor))


def within(b: Builder, index: Index, size: int) -> Value:
    """Whether 0 ≤ index < size (i1)."""
    return b.compare("ult", value(b, index), b.index(size))


def chosen(b: Builder, which: Index, numbers: Sequence[int]) -> Index:
    """The `which`-th of some numbers."""
    if all(number == numbers[0] for number in numbers):
        return numbers[0]
    if isinstance(which, int):
        return numbers[which]
    return b.load("i64", b.offset(b.table("i64", numbers), which, "i64"))
