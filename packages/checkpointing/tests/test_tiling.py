"""Tilings, compared with counting how often each element is covered."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dovetail_checkpointing.tiling import Box, gaps, overlaps, tiles
from dovetail_protocols.errors import StructureError


@st.composite
def shapes_and_boxes(draw: st.DrawFn) -> tuple[tuple[int, ...], list[Box]]:
    shape = tuple(draw(st.lists(st.integers(0, 4), max_size=4)))
    boxes = []
    for _ in range(draw(st.integers(0, 5))):
        edges = [sorted((draw(st.integers(0, size)), draw(st.integers(0, size)))) for size in shape]
        boxes.append(Box(tuple(a for a, _ in edges), tuple(b - a for a, b in edges)))
    if draw(st.booleans()):  # random boxes hardly ever tile: cut the whole instead
        boxes = [Box((0,) * len(shape), shape)]
        for axis in draw(st.lists(st.integers(0, len(shape) - 1), max_size=4)) if shape else ():
            box = boxes.pop(draw(st.integers(0, len(boxes) - 1)))
            at = draw(st.integers(0, box.sizes[axis]))
            for start, size in ((0, at), (at, box.sizes[axis] - at)):
                starts, sizes = list(box.starts), list(box.sizes)
                starts[axis] += start
                sizes[axis] = size
                boxes.append(Box(tuple(starts), tuple(sizes)))
    return shape, boxes


def covered(shape: tuple[int, ...], boxes: list[Box]) -> np.ndarray:
    count = np.zeros(shape, int)
    for box in boxes:
        count[tuple(slice(start, start + size) for start, size in zip(*box, strict=True))] += 1
    return count


@settings(max_examples=300, deadline=None)
@given(drawn=shapes_and_boxes())
def test_tiles_gaps_and_overlaps_agree_with_counting(drawn: tuple[tuple[int, ...], list[Box]]) -> None:
    shape, boxes = drawn
    count = covered(shape, boxes)
    assert tiles(shape, boxes) == bool((count == 1).all())
    assert np.array_equal(covered(shape, gaps(shape, boxes)), count == 0)
    assert bool(list(overlaps(boxes))) == bool((count > 1).any())


def test_tiling_along_many_axes_is_checked_too() -> None:
    shape = (2,) * 9
    corners = [Box(starts, (1,) * 9) for starts in np.ndindex(shape)]
    assert tiles(shape, corners)
    assert not tiles(shape, [*corners[1:], corners[1]])


def test_pieces_by_the_thousand_along_many_axes_are_refused_rather_than_compared_for_ever() -> None:
    shape = (2,) * 9 + (5000,)
    pieces = [Box((0,) * 9 + (place,), (1,) * 10) for place in range(5000)]
    with pytest.raises(StructureError, match="too many pieces"):
        tiles(shape, pieces)


def test_gaps_are_told_in_few_boxes() -> None:
    shape = (8, 6)
    assert gaps(shape, [Box((0, 0), (8, 2)), Box((0, 4), (8, 2))]) == [Box((0, 2), (8, 2))]
