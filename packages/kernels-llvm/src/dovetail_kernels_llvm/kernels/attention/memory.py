"""Between matrices of any dtype and strides in memory, and matrices of whole vectors of one type in scratch."""

from __future__ import annotations

from collections.abc import Callable

from dovetail_protocols.records import record

from ...codegen.builder import Builder, Value
from ...codegen.types import COMPUTED, STORED, element_of, is_float, lanes_of, vector
from ...elementwise import from_memory, to_memory
from .counts import Count, parts, times
from .product import ALIGNMENT, store_aligned

UNROLLED = 4
"""Up to as many vectors of a row are written one after the other instead of in a loop."""


@record
class Matrix:
    """A matrix in memory: the address of its first element, its dtype, how many columns, and strides in elements."""

    pointer: Value
    dtype: str
    columns: int
    row: int
    column: int

    def at(self, b: Builder, row: Value, column: Value | None = None) -> Value:
        """The address of an element; without a column, of a row."""
        index = b.mul(row, b.index(self.row))
        if column is not None:
            index = b.add(index, b.mul(column, b.index(self.column)))
        return b.offset(self.pointer, index, STORED[self.dtype])


class Scratch:
    """Gives out parts of a thread's memory, each aligned to a cache line; `size_bytes` is how much it has given."""

    def __init__(self, b: Builder, element_bytes: int) -> None:
        self._b, self._element_bytes = b, element_bytes
        self.size_bytes = 0

    def take(self, count: int) -> Value:
        """The address of so many elements."""
        place = self._b.offset(self._b.scratch, self.size_bytes, "i8")
        self.size_bytes += -(-count * self._element_bytes // ALIGNMENT) * ALIGNMENT
        return place


def each(b: Builder, count: Count, body: Callable[[Value], None]) -> None:
    """Calls `body` with 0 … count - 1, one after the other where they are few, else in a loop."""
    if isinstance(count, int) and count <= UNROLLED:
        for number in range(count):
            body(b.index(number))
    else:
        with b.loop(0, count) as index:
            body(index)


def padded(columns: int, lanes: int) -> int:
    """How long a row is in scratch: whole vectors."""
    return -(-columns // lanes) * lanes


def load_as(b: Builder, type_: str, dtype: str, pointer: Value) -> Value:
    """Lanes side by side in memory: numbers in a type that is computed with, bools as they are (i1)."""
    value = from_memory(b, dtype, b.load(vector(STORED[dtype], lanes_of(type_)), pointer))
    if not is_float(value.type):
        return value
    return b.convert("fpext" if value.element == "float" else "fptrunc", value, element_of(type_))


def store_as(b: Builder, value: Value, dtype: str, pointer: Value) -> None:
    """Keeps lanes side by side in memory, in a floating dtype."""
    value = b.convert("fpext" if value.element == "float" else "fptrunc", value, COMPUTED[dtype])
    b.store(to_memory(b, dtype, value), pointer)


def fill(b: Builder, type_: str, target: Value, start: Count, stop: Count, number: float = 0.0) -> None:
    """Sets elements of scratch memory, from one place to another, both multiples of a vector."""
    with b.loop(start, stop, lanes_of(type_)) as place:
        store_aligned(b, b.constant(type_, number), b.offset(target, place, element_of(type_)))


def read_rows(
    b: Builder, type_: str, source: Matrix, first: Value, rows: Count, target: Value, factor: float = 1
) -> None:
    """Copies rows of a matrix to scratch, side by side, times a factor; zeros fill up vectors along both axes."""
    element, lanes = element_of(type_), lanes_of(type_)
    stored, width = STORED[source.dtype], padded(source.columns, lanes)
    vectors = source.columns // lanes if source.column == 1 else 0

    def numbers(type_: str, pointer: Value) -> Value:
        loaded = load_as(b, type_, source.dtype, pointer)
        return loaded if factor == 1 else b.mul(loaded, b.constant(type_, factor))

    with b.loop(0, rows) as row:
        origin = source.at(b, b.add(first, row))
        destination = b.offset(target, b.mul(row, b.index(width)), element)

        def copy(index: Value, origin: Value = origin, destination: Value = destination) -> None:
            place = b.mul(index, b.index(lanes))
            store_aligned(b, numbers(type_, b.offset(origin, place, stored)), b.offset(destination, place, element))

        each(b, vectors, copy)
        if vectors * lanes < width:
            fill(b, type_, destination, vectors * lanes, width)
            with b.loop(vectors * lanes, source.columns) as column:
                number = numbers(element, b.offset(origin, b.mul(column, b.index(source.column)), stored))
                b.store(number, b.offset(destination, column, element))
    fill(b, type_, target, times(b, rows, width), times(b, parts(b, rows, lanes), lanes * width))


def write_rows(
    b: Builder, type_: str, source: Value, target: Matrix, first: Value, rows: Count, factor: Callable[[Value], Value]
) -> None:
    """Copies rows that lie side by side in scratch to a matrix, each times a factor: that of a row (a scalar)."""
    element, lanes = element_of(type_), lanes_of(type_)
    stored, width = STORED[target.dtype], padded(target.columns, lanes)
    vectors = target.columns // lanes if target.column == 1 else 0
    with b.loop(0, rows) as row:
        origin = b.offset(source, b.mul(row, b.index(width)), element)
        destination = target.at(b, b.add(first, row))
        scale = factor(row)
        wide = b.splat(scale, lanes)

        def copy(index: Value, origin: Value = origin, destination: Value = destination, wide: Value = wide) -> None:
            place = b.mul(index, b.index(lanes))
            value = b.mul(b.load(type_, b.offset(origin, place, element)), wide)
            store_as(b, value, target.dtype, b.offset(destination, place, stored))

        each(b, vectors, copy)
        if vectors * lanes < target.columns:
            with b.loop(vectors * lanes, target.columns) as column:
                number = b.mul(b.load(element, b.offset(origin, column, element)), scale)
                at = b.offset(destination, b.mul(column, b.index(target.column)), stored)
                store_as(b, number, target.dtype, at)
