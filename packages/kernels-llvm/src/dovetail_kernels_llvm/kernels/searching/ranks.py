"""Sorting short lines by rank: an element's place is the number of those that come before it."""

from __future__ import annotations

from ...codegen.builder import Builder, Value
from ...codegen.isa import ISA
from ...codegen.types import vector
from .line import Line

MOST_RANKED = 96
"""Up to so many elements, comparing each with each in vectors is quicker than sorting by digits."""


def ranks_bytes(isa: ISA, line: Line) -> int:
    """The memory that a line needs: keys and ranks in whole vectors."""
    return 2 * _padded(isa, line) * line.key_bits // 8


def _padded(isa: ISA, line: Line) -> int:
    lanes = isa.lanes(line.key_bits // 8)
    return -(-line.length // lanes) * lanes


def sort_by_ranks(b: Builder, line: Line, source: Value, target: Value, memory: Value) -> None:
    """Sorts one line."""
    element = f"i{line.key_bits}"
    lanes = b.isa.lanes(line.key_bits // 8)
    type_ = vector(element, lanes)
    keys, ranks = memory, b.offset(memory, _padded(b.isa, line), element)
    # Lanes beyond the line are ranked too, and never looked at; they must be defined for all that.
    b.store(b.constant(type_, 0), b.offset(keys, _padded(b.isa, line) - lanes, element))
    with b.loop(0, line.length) as index:
        b.store(line.key(b, source, index), b.offset(keys, index, element))
    with b.loop(0, line.length, lanes) as first:
        own = b.load(type_, b.offset(keys, first, element))
        places = b.add(b.splat(_narrowed(b, first, element), lanes), b.lane_numbers(element, lanes))
        rank = b.variable(b.constant(type_, 0))
        with b.loop(0, line.length) as index:
            other = b.splat(b.load(element, b.offset(keys, index, element)), lanes)
            equal = b.operate(
                "and",
                b.compare("eq", other, own),
                b.compare("ult", b.splat(_narrowed(b, index, element), lanes), places),
            )
            before = b.operate("or", b.compare("ult", other, own), equal)
            rank.set(b.add(rank.get(), b.convert("zext", before, element)))
        b.store(rank.get(), b.offset(ranks, first, element))
    with b.loop(0, line.length) as index:
        place = b.convert("zext", b.load(element, b.offset(ranks, index, element)), "i64")
        line.put(b, source, target, index, place)


def _narrowed(b: Builder, index: Value, element: str) -> Value:
    return b.convert("trunc", index, element)
