"""Which part of a tensor is wanted: an index as NumPy has it, made of integers, slices and `...`."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from dovetail_protocols.errors import IndexRangeError


@dataclass(frozen=True, slots=True)
class Range:
    """`count` places along an axis: start, start + step, …"""

    start: int
    count: int
    step: int

    def within(self, start: int, size: int) -> tuple[Range, slice] | None:
        """What of it lies in places `start` to `start + size`, counted from there, and which of its own places these
        are."""
        first = max(0, -(-(start - self.start) // self.step))
        last = min(self.count, -(-(start + size - self.start) // self.step))
        if first >= last:
            return None
        return Range(self.start + first * self.step - start, last - first, self.step), slice(first, last)

    @property
    def as_slice(self) -> slice:
        return slice(self.start, self.start + (self.count - 1) * self.step + 1 if self.count else self.start, self.step)


def ranges(index: Any, shape: Sequence[int], where: str) -> tuple[tuple[Range, ...], tuple[int, ...]]:
    """A range for each axis, and the shape of the result: an axis indexed by an integer is dropped.

    Raises: IndexRangeError for an integer outside of its axis, too many indices, or an index of another kind.
    """
    parts = list(index) if isinstance(index, tuple) else [index]
    if parts.count(Ellipsis) > 1 or len(parts) - parts.count(Ellipsis) > len(shape):
        raise IndexRangeError("too many indices", where=where, expected=f"at most {len(shape)}", got=repr(index))
    if Ellipsis not in parts:
        parts.append(Ellipsis)
    gap = parts.index(Ellipsis)
    parts[gap : gap + 1] = [slice(None)] * (len(shape) - len(parts) + 1)
    found, result = [], []
    for axis, (part, size) in enumerate(zip(parts, shape, strict=True)):
        one = _range(part, size, axis, where)
        found.append(one)
        if isinstance(part, slice):
            result.append(one.count)
    return tuple(found), tuple(result)


def _range(part: Any, size: int, axis: int, where: str) -> Range:
    if isinstance(part, slice):
        start, stop, step = part.indices(size)
        if step < 0:
            raise IndexRangeError(
                "an index goes backwards", where=f"{where}, axis {axis}", fix="read it forwards, then flip it"
            )
        return Range(start, len(range(start, stop, step)), step)
    try:
        if isinstance(part, bool):
            raise TypeError("True and False are no places of an axis")
        place = operator.index(part)
    except TypeError as error:
        raise IndexRangeError(
            "this is no index of a tensor in a checkpoint",
            where=f"{where}, axis {axis}",
            expected="integers, slices and ...",
            got=type(part).__name__,
        ) from error
    if not -size <= place < size:
        raise IndexRangeError(
            "an index is out of range", where=f"{where}, axis {axis}", expected=f"< {size}", got=place
        )
    return Range(place % size, 1, 1)
