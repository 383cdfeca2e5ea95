"""Whole numbers of a kernel, some known as it is written, some only as it runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from ...codegen.builder import Builder, Value

Number = Value | int


def plus(b: Builder, x: Number, y: Number) -> Number:
    """x + y."""
    if isinstance(x, int) and isinstance(y, int):
        return x + y
    return b.add(as_value(b, x), as_value(b, y)) if y != 0 else x


def minus(b: Builder, x: Number, y: Number) -> Number:
    """x − y."""
    if isinstance(x, int) and isinstance(y, int):
        return x - y
    return b.sub(as_value(b, x), as_value(b, y)) if y != 0 else x


def times(b: Builder, x: Number, y: Number) -> Number:
    """x · y."""
    if isinstance(x, int) and isinstance(y, int):
        return x * y
    if 0 in (x, y):
        return 0
    return x if y == 1 else b.mul(as_value(b, x), as_value(b, y))


def smaller(b: Builder, x: Number, y: Number) -> Number:
    """The smaller of two."""
    if isinstance(x, int) and isinstance(y, int):
        return min(x, y)
    return b.minimum(as_value(b, x), y)


def greater(b: Builder, x: Number, y: Number) -> Number:
    """The greater of two that aren't negative."""
    if isinstance(x, int) and isinstance(y, int):
        return max(x, y)
    if y == 0:
        return x  # none is negative
    x, y = as_value(b, x), as_value(b, y)
    return b.select(b.compare("sgt", x, y), x, y)


def divided(b: Builder, x: Number, divisor: int) -> tuple[Number, Number]:
    """Quotient and remainder of a number that isn't negative."""
    if isinstance(x, int):
        return divmod(x, divisor)
    if divisor == 1:
        return x, 0
    return b.operate("udiv", x, b.index(divisor)), b.operate("urem", x, b.index(divisor))


def places(b: Builder, number: Number, shape: Sequence[int]) -> list[Number]:
    """The places along each axis of the element that has this number in C order."""
    found: list[Number] = []
    for size in reversed(shape[1:]):
        number, place = divided(b, number, size)
        found.append(place)
    return [*([number] if shape else []), *reversed(found)]


@contextmanager
def each(b: Builder, start: Number, stop: Number, step: int = 1) -> Iterator[Number]:
    """A loop, or what is inside it alone where it would run once."""
    if isinstance(start, int) and isinstance(stop, int) and start < stop <= start + step:
        yield start
    else:
        with b.loop(start, stop, step) as index:
            yield index


@contextmanager
def when_equal(b: Builder, x: Number, y: Number) -> Iterator[None]:
    """What is inside runs where two numbers are equal. They may not be known to differ."""
    if isinstance(x, int) and isinstance(y, int):
        assert x == y, (x, y)
        yield
    else:
        with b.when(b.compare("eq", as_value(b, x), as_value(b, y))):
            yield


def at(b: Builder, pointer: Value, element: str, *terms: tuple[Number, int]) -> Value:
    """The address Σ number · stride elements on."""
    total: Number = 0
    for number, stride in terms:
        total = plus(b, times(b, number, stride), total)
    return b.offset(pointer, total, element)


def as_value(b: Builder, x: Number) -> Value:
    """A number in a register."""
    return b.index(x) if isinstance(x, int) else x
