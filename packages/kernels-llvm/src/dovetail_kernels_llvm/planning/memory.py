"""Where temporary buffers lie in the arena: those that don't live at the same time share memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from dovetail_protocols.records import record

ALIGNMENT = 64


@record
class Life:
    """The steps between which a buffer is needed, both included."""

    buffer: int
    bytes: int
    first: int
    last: int


def arrange(lives: Iterable[Life]) -> tuple[Mapping[int, int], int]:
    """The offset of each buffer, and the bytes of the whole: each, the largest first, at the lowest place that is free
    through its life.

    Source: Y. Pisarchyk and J. Lee, "Efficient memory management for deep neural net inference", 2020, section 5.2.
    """
    placed: list[tuple[int, int, Life]] = []
    offsets: dict[int, int] = {}
    total = 0
    for life in sorted(lives, key=lambda one: (-one.bytes, one.first, one.buffer)):
        size = -(-max(life.bytes, 1) // ALIGNMENT) * ALIGNMENT
        start = 0
        for offset, end, other in placed:  # in order of offset
            if other.last < life.first or other.first > life.last:
                continue
            if offset - start >= size:
                break
            start = max(start, end)
        offsets[life.buffer] = start
        total = max(total, start + size)
        placed.append((start, start + size, life))
        placed.sort(key=lambda one: one[0])
    return offsets, total
