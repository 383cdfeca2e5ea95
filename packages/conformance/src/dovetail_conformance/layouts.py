"""Buffers in every layout that a kernel may meet, each inside memory whose every other byte is known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .cases import Buffer

CANARY = 0xA5
MARGIN = 64

LAYOUTS = ("contiguous", "transposed", "stepped", "reversed", "unaligned")
"""C order; Fortran order; every second element of the last axis; negative strides on all axes; C order one byte off
the alignment of the dtype."""


@dataclass(frozen=True, slots=True)
class Placed:
    """An array, and the memory around it: `memory` is bytes, of which those that the array doesn't use are CANARY."""

    array: Buffer
    memory: Buffer

    def snapshot(self) -> bytes:
        """Every byte, the array's and those around it."""
        return self.memory.tobytes()

    def strays(self) -> int:
        """How many bytes outside of the array are no longer what they were."""
        used = np.zeros(self.memory.size, np.bool_)
        start = self.array.__array_interface__["data"][0] - self.memory.__array_interface__["data"][0]
        shape, strides = (*self.array.shape, self.array.itemsize), (*self.array.strides, 1)
        places = np.full((), start)
        for size, stride in zip(shape, strides, strict=True):
            places = places[..., None] + np.arange(size) * stride
        used[places.ravel()] = True
        return int(np.count_nonzero(self.memory[~used] != CANARY))


def layouts_for(declared: frozenset[str]) -> tuple[str, ...]:
    """Layouts in which a kernel with these declared layouts is given its inputs."""
    return LAYOUTS if "strided" in declared else ("contiguous", "unaligned")


def place(values: Buffer, layout: str = "contiguous") -> Placed:
    """The values in a layout, canaries on both sides and in the gaps. Writable."""
    strides, first, span = _geometry(values.shape, values.itemsize, layout)
    memory = np.full(span + 2 * MARGIN + values.itemsize, CANARY, np.uint8)
    origin = memory.__array_interface__["data"][0]
    aligned = MARGIN + (-(origin + MARGIN) % max(values.dtype.alignment, 1))
    offset = aligned + first + (1 if layout == "unaligned" and values.itemsize > 1 else 0)
    array: Any = np.ndarray(values.shape, values.dtype, memory.data, offset, strides)
    array[...] = values
    return Placed(array, memory)


def place_empty(shape: tuple[int, ...], dtype: np.dtype[Any]) -> Placed:
    """Room for a result: its bytes are canaries too."""
    placed = place(np.zeros(shape, dtype))
    placed.memory[...] = CANARY
    return placed


def _geometry(shape: tuple[int, ...], itemsize: int, layout: str) -> tuple[tuple[int, ...], int, int]:
    """Strides, the offset of the first element, and how many bytes the array spans."""
    step = 2 if layout == "stepped" else 1
    order = range(len(shape)) if layout == "transposed" else reversed(range(len(shape)))
    strides, distance = [0] * len(shape), itemsize * step
    for axis in order:
        strides[axis] = distance
        distance *= max(shape[axis], 1)
    if layout != "reversed":
        return tuple(strides), 0, distance
    first = sum(stride * max(size - 1, 0) for stride, size in zip(strides, shape, strict=True))
    return tuple(-stride for stride in strides), first, distance
