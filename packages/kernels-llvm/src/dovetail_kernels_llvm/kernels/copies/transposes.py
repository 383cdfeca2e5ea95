"""Squares transposed in registers."""

from __future__ import annotations

from collections.abc import Sequence

from ...codegen.builder import Builder, Value
from ...codegen.isa import ISA

PART_BYTES = 16
"""The parts of a vector within which unpacking is one instruction on all x86 machines."""


def tile_size(isa: ISA, size_bytes: int) -> int:
    """How many rows (and columns) of words of a size a tile has: half of the registers hold one."""
    return min(isa.lanes(size_bytes), isa.registers // 2, 16)


def transposed(b: Builder, rows: Sequence[Value]) -> list[Value]:
    """The columns of a square of as many vectors as each has lanes, a power of two.

    First the small squares within parts of 16 bytes, by unpacking: a perfect shuffle of the rows, repeated; then the
    parts themselves, in pairs. Source: Stone 1971, Parallel Processing with the Perfect Shuffle, section II.
    """
    rows = list(rows)
    lanes = rows[0].lanes
    if lanes == 1:
        return rows
    width = min(lanes, PART_BYTES * 8 // int(rows[0].element[1:]))
    for first in range(0, lanes, width):
        square = rows[first : first + width]
        step = 1
        while step < width:
            half = width // 2
            square = [_unpacked(b, square[k // 2], square[k // 2 + half], width, k % 2) for k in range(width)]
            step *= 2
        rows[first : first + width] = square
    step = width
    while step < lanes:
        for k in range(lanes):
            if k & step == 0:
                rows[k], rows[k + step] = _exchanged(b, rows[k], rows[k + step], step)
        step *= 2
    return rows


def _unpacked(b: Builder, a: Value, c: Value, width: int, upper: int) -> Value:
    """Lanes of two vectors in turn, from the lower or the upper half of each part."""
    half = width // 2
    lanes = [
        part + upper * half + lane // 2 + (a.lanes if lane % 2 else 0)
        for part in range(0, a.lanes, width)
        for lane in range(width)
    ]
    return b.shuffle(a, c, lanes)


def _exchanged(b: Builder, a: Value, c: Value, step: int) -> tuple[Value, Value]:
    """Two rows of which the first has given its odd runs of `step` lanes for the even ones of the second."""
    low = [lane if lane & step == 0 else a.lanes + lane - step for lane in range(a.lanes)]
    high = [lane + step if lane & step == 0 else a.lanes + lane for lane in range(a.lanes)]
    return b.shuffle(a, c, low), b.shuffle(a, c, high)
