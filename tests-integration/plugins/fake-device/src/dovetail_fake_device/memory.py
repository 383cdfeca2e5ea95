"""The memory of one simulated device: addresses that mean nothing on the host, and blocks that are found out when they
are used after they were freed, or beyond their ends."""

import os
import threading
from collections import deque
from contextlib import contextmanager

import numpy as np

from dovetail_protocols.errors import DeviceMemoryError

BASE, ALIGNMENT = 1 << 44, 64
FREED = 0xDD


class Block:
    """A range of addresses that was allocated; it is freed when nobody refers to it any more.

    `viewers` counts the buffers that lie in it; `failure` is what kept its contents from being computed.
    """

    __slots__ = ("address", "failure", "memory", "size", "viewers")

    def __init__(self, memory, address, size):
        self.memory, self.address, self.size = memory, address, size
        self.viewers, self.failure = 0, None

    def __del__(self):
        self.memory.released.append((self.address, self.size))  # no lock: this may run anywhere


class Memory:
    """Bytes at addresses from a base that each device has for itself. Safe in several threads."""

    def __init__(self, index, capacity):
        self.index, self.capacity = index, capacity
        self.base = BASE * (index + 1)
        self.released = deque()
        self._bytes = np.zeros(capacity, np.uint8)
        self._free = [(self.base, capacity)]  # sorted by address
        self._live = {}
        self._lock = threading.Lock()
        count = os.environ.get("FAKE_DEVICE_FAIL_ALLOCATION")
        self._until_failure = int(count) if count else None

    def allocate(self, size):
        """A block of at least so many bytes.

        Raises: DeviceMemoryError.
        """
        wanted = max(-(-size // ALIGNMENT), 1) * ALIGNMENT
        with self._lock:
            self._take_back()
            self._count_down(size)
            for place, (address, room) in enumerate(self._free):
                if room >= wanted:
                    rest = [(address + wanted, room - wanted)] if room > wanted else []
                    self._free[place : place + 1] = rest
                    self._live[address] = wanted
                    return Block(self, address, wanted)
            raise self._out_of_memory(size, f"{self._in_use()} of {self.capacity} bytes are in use")

    def _count_down(self, size):
        if self._until_failure is not None:
            self._until_failure -= 1
            if self._until_failure <= 0:
                self._until_failure = None
                raise self._out_of_memory(size, "this allocation was made to fail")

    def _out_of_memory(self, size, cause):
        return DeviceMemoryError(
            f"device fake:{self.index} has no room for {size} bytes",
            cause=cause,
            fix="let go of tensors, or give it more with FAKE_DEVICE_BYTES",
        )

    def _take_back(self):
        """Frees what was let go of, and joins free ranges that touch."""
        while self.released:
            address, size = self.released.popleft()
            del self._live[address]
            self._bytes[address - self.base : address - self.base + size] = FREED
            self._free.append((address, size))
        self._free.sort()
        joined = []
        for address, size in self._free:
            if joined and sum(joined[-1]) == address:
                joined[-1] = (joined[-1][0], joined[-1][1] + size)
            else:
                joined.append((address, size))
        self._free = joined

    def _in_use(self):
        return sum(self._live.values())

    def bytes_in_use(self):
        """Bytes of all blocks that somebody refers to."""
        with self._lock:
            self._take_back()
            return self._in_use()

    def look(self, address, shape, strides, dtype):
        """The bytes at an address as a NumPy array, for work on the device. It never leaves it.

        Raises: RuntimeError for an address outside of every block.
        """
        low = high = address
        for size, stride in zip(shape, strides, strict=True):
            low, high = low + min(0, (size - 1) * stride), high + max(0, (size - 1) * stride)
        if 0 not in shape:
            with self._lock:
                self._require_live(low, high + dtype.itemsize)
        offset = address - self.base if 0 not in shape else 0
        return np.ndarray(shape, dtype, self._bytes.data, offset, strides)

    def _require_live(self, low, high):
        if not any(start <= low and high <= start + size for start, size in self._live.items()):
            raise RuntimeError(f"fake:{self.index}: {low:#x} to {high:#x} is outside of every block (freed, or beyond)")

    @contextmanager
    def failing(self, count=1):
        """In the body of a `with`, the count-th allocation from now fails."""
        self._until_failure = count
        try:
            yield
        finally:
            self._until_failure = None
