"""The CPU as a device, and the way between devices."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from dovetail_protocols.default_device import current_device, device
from dovetail_protocols.devices import all_devices as devices
from dovetail_protocols.devices import device_package, find_device
from dovetail_protocols.metas import Device

__all__ = [
    "CPU",
    "current_device",
    "device",
    "devices",
    "find_device",
    "from_host",
    "package_of",
    "to_host",
]


class HostDevice:
    """The machine's processors and memory. Its buffers are NumPy arrays."""

    protocol = (1, 1)

    def probe(self) -> list[str]:
        """One device, however many processors it has."""
        return [f"{os.cpu_count() or 1} processors, buffers are NumPy arrays"]

    def from_host(self, array: Any, index: int) -> Any:
        """The array itself."""
        return array

    def to_host(self, buffer: Any) -> Any:
        """The buffer itself: it is a NumPy array."""
        return buffer

    def contiguous(self, buffer: Any) -> Any:
        """The buffer, or a copy in C order without gaps."""
        # ascontiguousarray would give a 0-d array an axis.
        return buffer if buffer.flags.c_contiguous else np.array(buffer, order="C")

    def is_exclusive(self, buffer: Any) -> bool:
        """Whether it owns its memory: whatever else sees that refers to the buffer."""
        return type(buffer) is np.ndarray and buffer.base is None and buffer.flags.owndata

    def copy(self, buffer: Any) -> Any:
        """An array of its own."""
        return np.array(buffer, order="K")


CPU = HostDevice()
"""What the entry point `cpu` names."""


def to_host(buffer: Any, place: Device) -> Any:
    """A device's buffer as a NumPy array."""
    return package_of(place.kind).to_host(buffer)


def from_host(array: Any, place: Device) -> Any:
    """A NumPy array as a device's buffer."""
    return package_of(place.kind).from_host(array, place.index)


def package_of(kind: str) -> Any:
    """The package for a kind of device: the CPU's is here.

    Raises: DeviceError where none is installed, or it can't be used on this machine.
    """
    return CPU if kind == "cpu" else device_package(kind)
