"""What the entry point of the device names: how buffers of "fake" and "fake:1" come about, and come back."""

import math
import os

import numpy as np

from .buffers import Buffer, strides_of
from .memory import Memory
from .stream import Stream

COUNT = 2


class FakeDevice:
    """Two devices. FAKE_DEVICE_BYTES in the environment says how much memory each has (64 MiB)."""

    protocol = (1, 1)

    def __init__(self):
        capacity = int(os.environ.get("FAKE_DEVICE_BYTES", 1 << 26))
        self.memories = [Memory(index, capacity) for index in range(COUNT)]
        self.streams = [Stream(index) for index in range(COUNT)]

    def probe(self):
        return [f"simulated, {memory.capacity >> 20} MiB at {memory.base:#x}" for memory in self.memories]

    # ------------------------------------------------------------------ to and from the host

    def from_host(self, array, index):
        """Written at once: nothing that waits knows the new block."""
        order = sorted(range(array.ndim), key=lambda axis: (-abs(array.strides[axis]), axis))
        packed = strides_of([array.shape[axis] for axis in order], array.dtype)
        strides = [0] * array.ndim
        for axis, stride in zip(order, packed, strict=True):
            strides[axis] = stride
        buffer = self.empty(index, array.shape, array.dtype, strides)
        self.look(buffer)[...] = array
        return buffer

    def to_host(self, buffer):
        """A copy, once all work that was queued before is done."""
        self.streams[buffer.index].synchronize()
        if buffer.block.failure is not None:
            raise buffer.block.failure
        return np.array(self.look(buffer), order="C")

    def contiguous(self, buffer):
        return buffer if buffer.is_contiguous else self.copy(buffer)

    # ------------------------------------------------------------------ optional abilities

    def copy(self, buffer):
        copied = self.empty(buffer.index, buffer.shape, buffer.dtype)
        self.launch("copy", lambda array: array, [buffer], [copied])
        return copied

    def is_exclusive(self, buffer):
        return buffer.block.viewers == 1

    def synchronize(self, index):
        self.streams[index].synchronize()

    def bytes_in_use(self, index):
        return self.memories[index].bytes_in_use()

    # ------------------------------------------------------------------ for its kernels

    def empty(self, index, shape, dtype, strides=None):
        """A buffer whose elements are not written yet."""
        block = self.memories[index].allocate(math.prod(shape) * dtype.itemsize)
        return Buffer(index, block, dtype, shape, strides_of(shape, dtype) if strides is None else strides)

    def look(self, buffer):
        """The elements, for work on the device."""
        return self.memories[buffer.index].look(*buffer.place)

    def launch(self, name, compute, inputs, outputs):
        """Queues `compute`, which takes arrays and gives one, or a tuple.

        What waits holds memory, not buffers: these may be given away, because what then overwrites them comes later.
        """
        index = outputs[0].index
        assert all(buffer is None or buffer.index == index for buffer in inputs), "a buffer of another device"
        look = self.memories[index].look
        given = [None if buffer is None else buffer.place for buffer in inputs]
        taken = [buffer.place for buffer in outputs]
        held = [buffer.block for buffer in inputs if buffer is not None]
        results = [buffer.block for buffer in outputs]

        def work():
            for block in held:
                if block.failure is not None:
                    raise block.failure
            with np.errstate(all="ignore"):
                computed = compute(*[None if place is None else look(*place) for place in given])
            for place, array in zip(taken, computed if isinstance(computed, tuple) else (computed,), strict=True):
                look(*place)[...] = array

        self.streams[index].enqueue(name, work, results)


DEVICE = FakeDevice()
