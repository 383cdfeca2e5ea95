"""The innermost part: a tile of sums in registers, to which products of a column of A and a row of B are added."""

from __future__ import annotations

from collections.abc import Sequence

from dovetail_protocols.records import record

from ...codegen.builder import Builder, Value, Variable
from ...codegen.types import element_of, is_float, lanes_of, vector
from .elements import load_lanes
from .numbers import Number, at


@record
class Source:
    """Where a tile reads an operand: the address of its first element, and the strides along rows of A or columns of B
    and along K."""

    pointer: Value
    stride: int
    depth_stride: int


def add_products(
    b: Builder, sums: Sequence[Sequence[Variable]], a: Source, rows_of_b: Source, depth: Number, valid: int
) -> None:
    """Adds `depth` products to each sum of a tile, row by row of vectors. Of the last vector in a row of B, only the
    first `valid` lanes are read."""
    type_ = sums[0][0].type
    lanes, element = lanes_of(type_), element_of(type_)
    last = len(sums[0]) - 1
    with b.loop(0, depth) as k:
        a_column = at(b, a.pointer, element, (k, a.depth_stride))
        b_row = at(b, rows_of_b.pointer, element, (k, rows_of_b.depth_stride))
        loaded = [
            load_lanes(b, type_, b.offset(b_row, place * lanes, element), valid if place == last else lanes)
            for place in range(last + 1)
        ]
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
