"""The innermost part: a tile of sums in registers, to which products of a column of A and a row of B are added."""

from __future__ import annotations

from collections.abc import Sequence

from dovetail_protocols.records import record

from ...codegen.builder import Builder, Value, Variable
from ...codegen.types import is_float, vector
from .elements import first_lanes
from .numbers import Number


@record
class Source:
    """Where a tile reads an operand: the address of its first element and the strides, in elements, along rows of A or
    columns of B, and along K."""

    pointer: Value
    stride: int
    depth_stride: int


def add_products(
    b: Builder, sums: Sequence[Sequence[Variable]], a: Source, rows_of_b: Source, depth: Number, valid: int
) -> None:
    """Adds to the sums of a tile, row by row of vectors, `depth` products. The last vector of a row of B is read in its
    first `valid` lanes only."""
    type_ = sums[0][0].type
    lanes, element = _shape(type_)
    vectors = len(sums[0])
    with b.loop(0, depth) as k:
        a_column = b.offset(a.pointer, b.mul(k, b.index(a.depth_stride)), element)
        b_row = b.offset(rows_of_b.pointer, b.mul(k, b.index(rows_of_b.depth_stride)), element)
        loaded = []
        for place in range(vectors):
            address = b.offset(b_row, place * lanes, element)
            if place == vectors - 1 and valid < lanes:
                loaded.append(b.masked_load(type_, address, first_lanes(valid, lanes)))
            else:
                loaded.append(b.load(type_, address))
        for height, row in enumerate(sums):
            factor = b.splat(b.load(element, b.offset(a_column, height * a.stride, element)), lanes)
            for variable, factors in zip(row, loaded, strict=True):
                variable.set(multiply_add(b, factor, factors, variable.get()))


def multiply_add(b: Builder, x: Value, y: Value, z: Value) -> Value:
    """x · y + z, of whole numbers too, which wrap around."""
    return b.fma(x, y, z) if is_float(x.type) else b.add(b.mul(x, y), z)


def zeros(b: Builder, height: int, vectors: int, element: str, lanes: int) -> list[list[Variable]]:
    """The sums of a tile before anything was added."""
    zero = b.constant(vector(element, lanes), 0)
    return [[b.variable(zero) for _ in range(vectors)] for _ in range(height)]


def _shape(type_: str) -> tuple[int, str]:
    value = Value("", type_)
    return value.lanes, value.element
