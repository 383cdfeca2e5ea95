"""Buffers: where on a device elements lie. The elements themselves are out of reach for the host."""

from .memory import Block


class Buffer:
    """Elements in a block of a device's memory. Views share the block."""

    __slots__ = ("__weakref__", "block", "dtype", "index", "offset", "shape", "strides")

    def __init__(self, index, block, dtype, shape, strides, offset=0):
        self.index, self.block, self.dtype = index, block, dtype
        self.shape, self.strides, self.offset = tuple(shape), tuple(strides), offset
        block.viewers += 1

    def __del__(self):
        block = getattr(self, "block", None)
        if isinstance(block, Block):
            block.viewers -= 1

    def __repr__(self):
        return f"<{self.dtype}{list(self.shape)} at {self.block.address + self.offset:#x} of fake:{self.index}>"

    @property
    def place(self):
        """Where its elements are: address, shape, strides, dtype."""
        return self.block.address + self.offset, self.shape, self.strides, self.dtype

    @property
    def is_contiguous(self):
        """Whether its elements lie in C order without gaps."""
        wanted = strides_of(self.shape, self.dtype)
        pairs = zip(self.shape, self.strides, wanted, strict=True)
        return 0 in self.shape or all(size == 1 or stride == other for size, stride, other in pairs)

    def view(self, shape, strides, offset=0):
        """Other elements of the same block."""
        return Buffer(self.index, self.block, self.dtype, shape, strides, self.offset + offset)


def strides_of(shape, dtype):
    """Distances in bytes between neighbors along each axis, in C order."""
    strides, distance = [], dtype.itemsize
    for size in reversed(shape):
        strides.insert(0, distance)
        distance *= max(size, 1)
    return tuple(strides)
