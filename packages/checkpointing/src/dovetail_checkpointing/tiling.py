"""Whether boxes tile a tensor: no element in two of them, none in neither."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise, product
from math import prod
from typing import NamedTuple

from dovetail_protocols.errors import StructureError

_CORNER_AXES = 8
"""A box has twice as many corners for each axis: along more axes than these, pairs are compared."""
_PAIRED_BOXES = 4096
"""The most boxes of which pairs are compared: nobody cuts a tensor so, but whoever means harm."""


class Box(NamedTuple):
    """The elements of a tensor from `starts` on, `sizes` of them on each axis."""

    starts: tuple[int, ...]
    sizes: tuple[int, ...]

    def __str__(self) -> str:
        return "[" + ", ".join(f"{start}:{start + size}" for start, size in zip(*self, strict=True)) + "]"

    @property
    def is_empty(self) -> bool:
        return 0 in self.sizes


def overlaps(boxes: Sequence[Box]) -> Iterator[tuple[Box, Box]]:
    """Pairs of boxes that share an element."""
    ordered = sorted(box for box in boxes if not box.is_empty)
    for place, one in enumerate(ordered):
        for other in ordered[place + 1 :]:
            if one.starts and other.starts[0] >= one.starts[0] + one.sizes[0]:
                break
            if _meet(one, other):
                yield one, other


def tiles(shape: tuple[int, ...], boxes: Sequence[Box]) -> bool:
    """Whether boxes inside of a tensor tile it exactly.

    The boxes add up to the whole just if their corners do, counted with the sign of an even or odd number of ends: in
    a tiling all corners cancel but those of the whole. So time grows with the boxes, not with their pairs.

    Raises: StructureError for more than 4,096 boxes that are cut along more than 8 axes.
    """
    if 0 in shape:
        return True
    cut = [axis for axis, size in enumerate(shape) if any(box.sizes[axis] != size for box in boxes)]
    if len(cut) > _CORNER_AXES:
        if len(boxes) > _PAIRED_BOXES:
            raise StructureError(
                "a tensor is in too many pieces to see whether they tile it",
                expected=f"at most {_PAIRED_BOXES:,} pieces along more than {_CORNER_AXES} axes",
                got=f"{len(boxes):,} pieces along {len(cut)}",
            )
        return sum(prod(box.sizes) for box in boxes) == prod(shape) and next(overlaps(boxes), None) is None
    corners: Counter[tuple[int, ...]] = Counter()
    for box in boxes:
        if not box.is_empty:
            _add_corners(corners, box, cut, 1)
    _add_corners(corners, Box((0,) * len(shape), shape), cut, -1)
    return not any(corners.values())


def _add_corners(corners: Counter[tuple[int, ...]], box: Box, axes: Sequence[int], sign: int) -> None:
    for ends in product((False, True), repeat=len(axes)):
        corner = tuple(box.starts[axis] + end * box.sizes[axis] for axis, end in zip(axes, ends, strict=True))
        corners[corner] += -sign if sum(ends) % 2 else sign


def gaps(shape: tuple[int, ...], boxes: Sequence[Box]) -> list[Box]:
    """Boxes of what no box covers."""
    if 0 in shape:
        return []
    if not shape:
        return [] if boxes else [Box((), ())]
    found: list[Box] = []
    edges = sorted({0, shape[0], *(edge for box in boxes for edge in (box.starts[0], box.starts[0] + box.sizes[0]))})
    for begin, end in pairwise(edges):
        across = [box for box in boxes if box.starts[0] <= begin and end <= box.starts[0] + box.sizes[0]]
        for inner in gaps(shape[1:], [Box(box.starts[1:], box.sizes[1:]) for box in across if not box.is_empty]):
            _append(found, Box((begin, *inner.starts), (end - begin, *inner.sizes)))
    return found


def _append(found: list[Box], box: Box) -> None:
    """Adds a box, as one with an earlier one that it lengthens."""
    for place, earlier in enumerate(found):
        is_beside = earlier.starts[0] + earlier.sizes[0] == box.starts[0]
        if is_beside and (earlier.starts[1:], earlier.sizes[1:]) == (box.starts[1:], box.sizes[1:]):
            found[place] = Box(earlier.starts, (earlier.sizes[0] + box.sizes[0], *box.sizes[1:]))
            return
    found.append(box)


def _meet(one: Box, other: Box) -> bool:
    return all(
        a < b + size_b and b < a + size_a
        for a, size_a, b, size_b in zip(one.starts, one.sizes, other.starts, other.sizes, strict=True)
    )
