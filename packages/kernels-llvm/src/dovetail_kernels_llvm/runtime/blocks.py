"""Memory for calls: aligned blocks to work in, and arrays for large outputs whose pages are mapped already.

A fresh array of some megabytes costs a page fault for every 4 KiB at its first use, which may take longer than writing
it. So the memory of a large output is kept when the last array on it is gone, and the next output of its size takes it.
"""

from __future__ import annotations

from collections import deque
from math import prod
from typing import Any

import numpy as np

RECYCLED_BYTES = 1 << 20
"""Outputs of this size and above are recycled."""
KEPT_BYTES = 256 << 20
"""How much memory that no array lies on is kept at most."""

Bytes = np.ndarray[tuple[int], np.dtype[np.uint8]]


def aligned(size_bytes: int, alignment: int = 64) -> Bytes:
    """A block of memory at a multiple of `alignment`. What it holds is arbitrary."""
    # NumPy asks for huge pages where a block is large enough.
    raw: Bytes = np.empty(size_bytes + alignment, np.uint8)
    start = -raw.ctypes.data % alignment
    return raw[start : start + size_bytes]


class Blocks:
    """Memory that no array lies on at the moment, oldest first.

    Without a lock: a block comes back in `__del__`, which may run at any point of any thread, also one that holds it,
    and a child process would inherit it locked. Single operations on a deque are safe.
    """

    def __init__(self, kept_bytes: int = KEPT_BYTES) -> None:
        self._kept: deque[Bytes] = deque()
        self._kept_bytes = kept_bytes

    def array(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> np.ndarray[Any, Any]:
        """A C-contiguous array like that of numpy.empty, on a kept block if there is one of its size."""
        size = prod(shape) * dtype.itemsize
        owner = _Owner(self, self._take(size))
        return np.ndarray(shape, dtype, np.asarray(owner))

    def sizes(self) -> list[int]:
        """How large the kept blocks are."""
        return [block.size for block in self._kept.copy()]

    def _take(self, size: int) -> Bytes:
        for _ in range(len(self._kept)):
            try:
                block = self._kept.popleft()
            except IndexError:  # another thread took it
                break
            if size <= block.size <= size + size // 4:
                return block
            self._kept.append(block)
        return aligned(size)

    def give_back(self, block: Bytes) -> None:
        """Keeps a block; drops the oldest ones that are too many then."""
        self._kept.append(block)
        excess = sum(self.sizes()) - self._kept_bytes
        while excess > 0:
            try:
                excess -= self._kept.popleft().size
            except IndexError:  # another thread took it
                break


class _Owner:
    """What an array on a block is based on: gives the block back when the last such array is gone."""

    __slots__ = ("__array_interface__", "_block", "_blocks")

    def __init__(self, blocks: Blocks, block: Bytes) -> None:
        self._blocks, self._block = blocks, block
        self.__array_interface__ = block.__array_interface__

    def __del__(self) -> None:
        self._blocks.give_back(self._block)


BLOCKS = Blocks()
"""Those of this process."""
