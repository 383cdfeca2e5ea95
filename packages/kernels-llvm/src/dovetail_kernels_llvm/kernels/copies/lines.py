"""Lines of two arrays along one axis each, walked side by side: in vectors where neighbours lie together."""

from __future__ import annotations

from collections.abc import Callable
from math import prod

from dovetail_protocols.records import record

from ...codegen.builder import Builder, Value
from .nests import Nest, displacement, spread, task_count

READ, WRITTEN = 0, 1

VECTORS = 4
"""Vectors of lines that are walked together: enough to hide how long one step of each takes."""
SCALARS = 4
"""Single lines that are walked together."""


@record
class Piece:
    """So many lines that lie side by side, at distances from where a group of them begins in both arrays."""

    read: int
    written: int
    lanes: int


Emit = Callable[[Value, Value, tuple[Piece, ...]], None]
"""Writes the code for a group of lines that begins at two distances from the first elements of the arrays."""


def in_groups(b: Builder, lines: Nest, lanes: int, wanted: int, emit: Emit) -> int:
    """Writes code for all lines; gives the number of tasks. `lines`: all axes but the one that lines run along, with
    the strides of both arrays; `lanes`: how many lines a vector takes."""
    shape, steps = lines.shape or (1,), tuple(one or (0,) for one in lines.strides)
    count, inner = shape[-1], (steps[READ][-1], steps[WRITTEN][-1])
    width = lanes if inner == (1, 1) else 1
    several = min(VECTORS if width > 1 else SCALARS, max(1, count // width))
    whole = width * several
    groups, rest = divmod(count, whole)
    tasks = 1
    sections = [((*shape[:-1], groups), 0, [width] * several), ((*shape[:-1], 1), groups * whole, _powers(rest, width))]
    for places, first, widths in sections:
        if prod(places) == 0 or not widths:
            continue
        pieces = tuple(
            Piece(sum(widths[:k]) * inner[READ], sum(widths[:k]) * inner[WRITTEN], one) for k, one in enumerate(widths)
        )
        tasks = max(tasks, task_count(places, wanted))
        with spread(b, places, wanted) as at:
            starts = [
                b.add(displacement(b, at, (*steps[array][:-1], whole * inner[array])), b.index(first * inner[array]))
                for array in (READ, WRITTEN)
            ]
            emit(starts[READ], starts[WRITTEN], pieces)
    return tasks


def _powers(count: int, widest: int) -> list[int]:
    """A number as powers of two, none above the widest."""
    widths = [widest] * (count // widest)
    count %= widest
    return widths + [1 << bit for bit in reversed(range(count.bit_length())) if count >> bit & 1]
