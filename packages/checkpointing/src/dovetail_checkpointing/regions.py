"""Reading parts of tensors: only the chunks that have some of them, with little more memory than the parts take."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from .extents import Extent
from .manifest import CHUNK_BYTES, Piece, TensorRecord
from .slicing import Range
from .tensor_bytes import empty, item_bytes, writable_bytes

ReadExtents = Callable[[int, Sequence[Extent]], None]
"""Fills extents of the file of a number, each checked."""


@dataclass(frozen=True, slots=True)
class Region:
    """What is wanted of a tensor, and the array that it goes to."""

    record: TensorRecord
    ranges: tuple[Range, ...]
    target: np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True)
class _Block:
    """Rows that lie together in a file, and the array that some of their elements go to: those at `inner`, or, where
    it is None, all of them just as they lie."""

    file: int
    begin: int
    dtype: str
    shape: tuple[int, ...]
    inner: tuple[slice, ...] | None
    target: np.ndarray[Any, Any]

    @property
    def scratch_bytes(self) -> int:
        return 0 if self.inner is None else item_bytes(self.dtype) * prod(self.shape)


def whole(shape: Iterable[int]) -> tuple[Range, ...]:
    """The ranges of a whole tensor, or of a whole piece of one."""
    return tuple(Range(0, size, 1) for size in shape)


def read_regions(regions: Iterable[Region], read: ReadExtents) -> None:
    """Fills the array of each region; no two have a part of the same tensor.

    Blocks are read in the order in which they lie in their files, small ones together, so that a chunk with many of
    them is not read for each.
    """
    blocks = [block for region in regions for piece in region.record.pieces for block in _blocks(region, piece)]
    blocks.sort(key=lambda block: (block.file, block.begin))
    together: list[_Block] = []
    scratch_bytes = 0
    for block in blocks:
        scratch_bytes += block.scratch_bytes
        if together and (block.file != together[0].file or scratch_bytes > CHUNK_BYTES):
            _fill(together, read)
            together, scratch_bytes = [], block.scratch_bytes
        together.append(block)
    _fill(together, read)


def _fill(blocks: Sequence[_Block], read: ReadExtents) -> None:
    if not blocks:
        return
    rows = [block.target if block.inner is None else empty(block.dtype, block.shape) for block in blocks]
    extents = [Extent(block.begin, writable_bytes(array)) for block, array in zip(blocks, rows, strict=True)]
    read(blocks[0].file, extents)
    for block, array in zip(blocks, rows, strict=True):
        if block.inner is not None:
            block.target[...] = array[block.inner]


def _blocks(region: Region, piece: Piece) -> Iterator[_Block]:
    """What a piece has of a region."""
    inner, outer = [], []
    for one, start, size in zip(region.ranges, piece.starts, piece.sizes, strict=True):
        found = one.within(start, size)
        if found is None:
            return
        inner.append(found[0])
        outer.append(found[1])
    index: Any = (*outer, ...)  # the dots, so that a scalar stays an array, which can be written to
    yield from _cut(region.record.dtype, piece.file, piece.begin, piece.sizes, tuple(inner), region.target[index])


def _cut(
    dtype: str,
    file: int,
    begin: int,
    shape: tuple[int, ...],
    wanted: tuple[Range, ...],
    target: np.ndarray[Any, Any],
) -> Iterator[_Block]:
    """What is wanted of an array of `shape` that begins at a byte, in blocks of about a chunk at most where they need
    memory besides the target."""
    row_bytes = item_bytes(dtype) * prod(shape[1:])
    is_whole = all(one.step == 1 for one in wanted) and all(
        one.count == size for one, size in zip(wanted[1:], shape[1:], strict=True)
    )
    if is_whole and target.flags.c_contiguous:
        start = wanted[0].start if wanted else 0
        yield _Block(file, begin + start * row_bytes, dtype, target.shape, None, target)
        return
    first = wanted[0]
    if row_bytes > CHUNK_BYTES or first.count == 1:
        for place in range(first.count):
            at = begin + (first.start + place * first.step) * row_bytes
            yield from _cut(dtype, file, at, shape[1:], wanted[1:], target[place, ...])
        return
    rows = max(1, CHUNK_BYTES // (row_bytes * first.step))
    for place in range(0, first.count, rows):
        count = min(rows, first.count - place)
        start, length = first.start + place * first.step, (count - 1) * first.step + 1
        inner = (slice(None, None, first.step), *(one.as_slice for one in wanted[1:]))
        yield _Block(file, begin + start * row_bytes, dtype, (length, *shape[1:]), inner, target[place : place + count])
