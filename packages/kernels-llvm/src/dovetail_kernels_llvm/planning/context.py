"""What the plan of a graph and those of the loops in it share: numbers of buffers, what they are, and constants."""

from __future__ import annotations

from typing import Any

from dovetail_protocols.records import record

from ..codegen.isa import ISA
from ..codegen.types import size_bytes
from ..kernels.kernel import View, c_strides


@record
class Buffer:
    """A piece of memory: `bytes` long; `kind` is "input", "output", "constant", "temporary", or "moving" for a part of
    another buffer that a loop moves along."""

    number: int
    bytes: int
    kind: str


class Context:
    """Numbers buffers, and keeps what is known of them."""

    def __init__(self, isa: ISA) -> None:
        self.isa = isa
        self.buffers: dict[int, Buffer] = {}
        self.constants: dict[int, Any] = {}
        self.moving: dict[int, tuple[View, int, int]] = {}
        self.places: dict[int, int] = {}
        self._repeats = 0
        self._constant_views: dict[int, View] = {}

    def buffer(self, dtype: str, shape: tuple[int, ...], kind: str) -> View:
        """A contiguous view of a new buffer."""
        number = len(self.buffers)
        view = View(number, dtype, shape, c_strides(shape))
        self.buffers[number] = Buffer(number, view.size * size_bytes(dtype), kind)
        return view

    def allocate(self, dtype: str, shape: tuple[int, ...]) -> View:
        """A contiguous view of a new temporary buffer."""
        return self.buffer(dtype, tuple(shape), "temporary")

    def constant(self, array: Any, dtype: str) -> View:
        """A view of a constant array."""
        import numpy as np

        known = self._constant_views.get(id(array))
        if known is not None:
            return known
        held = np.ascontiguousarray(array)
        view = self.buffer(dtype, tuple(array.shape), "constant")
        self.constants[view.buffer] = held
        self._constant_views[id(array)] = view
        self.places[view.buffer] = id(array)
        return view

    def moving_part(self, whole: View, repeat: int, steps: int) -> View:
        """A view of what a loop sees of an array: `whole` at its first iteration, moved by `steps` elements at each."""
        view = self.buffer(whole.dtype, whole.shape, "moving")
        self.moving[view.buffer] = (whole, repeat, steps)
        return View(view.buffer, whole.dtype, whole.shape, whole.strides, 0)

    def next_repeat(self) -> int:
        self._repeats += 1
        return self._repeats
