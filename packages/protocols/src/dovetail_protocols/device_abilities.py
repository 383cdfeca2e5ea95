"""What a device package may offer beside the members of DevicePackage. See docs/protocols/devices.md."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

from .devices import device_package

if TYPE_CHECKING:
    from .roles import Buffer


@runtime_checkable
class SupportsDonation(Protocol):
    """Optional for a DevicePackage, since 1.1: kernels and executables may overwrite a buffer that nobody else holds.

    References to the buffer itself are counted by whoever gives it away; the device knows who else sees its memory.
    """

    def is_exclusive(self, buffer: Buffer) -> bool:
        """Whether no other buffer, and no array of the host, shares the memory of this one."""

    def copy(self, buffer: Buffer) -> Buffer:
        """Another buffer with the same contents on the same device, which is exclusive."""


@runtime_checkable
class SupportsSynchronization(Protocol):
    """Optional for a DevicePackage, since 1.1: kernels may return before their work is done."""

    def synchronize(self, index: int) -> None:
        """Returns when all work queued on a device is done.

        Raises: what the work raised, if nobody was told of it yet.
        """


@runtime_checkable
class SupportsMemoryStatistics(Protocol):
    """Optional for a DevicePackage, since 1.1: says how much memory buffers take."""

    def bytes_in_use(self, index: int) -> int:
        """Bytes of all buffers of a device that somebody holds."""


def donates(kind: str) -> bool:
    """Whether buffers of a kind of device may be given away to be overwritten."""
    return isinstance(device_package(kind), SupportsDonation)
