"""A device package for protocol 1.0, and its kernels. FROZEN: never edit this file (see README.md beside it)."""

import operator

from dovetail_protocols.kernels import KernelSpec, Unsupported

COPIES = []


class Memory:
    """A buffer that nobody else can look into."""

    def __init__(self, hidden, index):
        self.hidden, self.index = hidden, index

    @property
    def shape(self):
        return self.hidden.shape


class Device:
    protocol = (1, 0)

    def probe(self):
        return ["the first of two", "the second"]

    def from_host(self, array, index):
        assert index in (0, 1)
        COPIES.append("from host")
        return Memory(array.copy(), index)

    def to_host(self, buffer):
        COPIES.append("to host")
        return buffer.hidden.copy()

    def contiguous(self, buffer):
        return buffer


class Absent(Device):
    def probe(self):
        return Unsupported("no driver")


def elementwise(call):
    compute = getattr(operator, {"negative": "neg", "multiply": "mul"}.get(call.operation.short_name, "add"))
    assert {meta.device.kind for meta in (*call.operands, *call.results)} == {"old"}

    def kernel(*buffers):
        assert all(type(buffer) is Memory for buffer in buffers)
        return Memory(compute(*(buffer.hidden for buffer in buffers)), buffers[0].index)

    return kernel


class Kernels:
    protocol = (1, 0)

    def kernels(self):
        names = ("add", "multiply", "negative")
        return [
            KernelSpec(id=name, operation=f"dovetail::{name}", device="old", implementation="device_1_0:elementwise")
            for name in names
        ]

    def operations(self):
        return ()

    def probe(self):
        return None


PACKAGE = Device()
ABSENT = Absent()
KERNELS = Kernels()
