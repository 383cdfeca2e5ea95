"""A device package for protocol 1.1, with all abilities. FROZEN: never edit this file (see README.md beside it)."""

import sys


class Memory:
    """A buffer: what it holds is a list that no other buffer has."""

    def __init__(self, hidden, shape):
        self.hidden, self.shape = hidden, shape


class Device:
    protocol = (1, 1)

    def __init__(self):
        self.held = []

    def probe(self):
        return ["the only one"]

    def from_host(self, array, index):
        return Memory([array.copy()], array.shape)

    def to_host(self, buffer):
        return buffer.hidden[0].copy()

    def contiguous(self, buffer):
        return buffer

    def is_exclusive(self, buffer):
        return sys.getrefcount(buffer.hidden) == 2

    def copy(self, buffer):
        return Memory([buffer.hidden[0].copy()], buffer.shape)

    def synchronize(self, index):
        assert index == 0

    def bytes_in_use(self, index):
        return sum(memory.hidden[0].nbytes for memory in self.held)


PACKAGE = Device()
