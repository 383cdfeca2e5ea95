"""A pytest class that proves a device package: how its buffers come about, and come back."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from dovetail_protocols.device_abilities import SupportsDonation, SupportsMemoryStatistics
from dovetail_protocols.devices import all_devices, device_package, find_device

from .checks import devices
from .kernel_suite import report
from .limits import Limits
from .limits_file import read_limits


def device_suite(
    kind: str,
    *,
    failing: Callable[[], AbstractContextManager[object]] | None = None,
    limits: str | Path | Limits | None = None,
) -> type:
    """A test class that proves the package for a kind of device, to be bound to a name beginning with Test in a test
    module. See docs/protocols/devices.md for what is asked of it.

    `failing`: where the package offers to provoke it, what makes a context in which the next allocation fails. `limits`
    names a file of what is known to fail, and why, beside the file that calls this.

    Raises: DeviceError where no such device is installed, or it can't be used on this machine. LimitsError.
    """
    known = read_limits(limits)
    find_device(kind)
    package = device_package(kind)
    indices = [device.index for device in all_devices() if device.kind == kind]
    is_host = kind == "cpu"

    class DeviceSuite:
        """What DevicePackage promises, and the optional abilities that the package has."""

        def test_limits_are_current(self) -> None:
            report(known.problems())

        @known.each()
        def test_loads(self) -> None:
            report(devices.load_problems(kind))

        @known.each()
        def test_describes_each_device(self) -> None:
            report(devices.description_problems(package))

        @known.each(index=indices, name=devices.DTYPES)
        def test_contents_come_back(self, index: int, name: str) -> None:
            report(devices.round_trip_problems(package, index, name))

        @known.each(index=indices)
        def test_shares_no_memory_with_the_host(self, index: int) -> None:
            report(devices.host_write_problems(package, index, shares=is_host))

        @known.each()
        def test_keeps_devices_apart(self) -> None:
            report(devices.index_problems(package, len(indices)))

        @known.each(index=indices)
        def test_contents_outlive_their_buffer(self, index: int) -> None:
            report(devices.lifetime_problems(package, index))

        @known.each(index=indices)
        def test_is_safe_in_threads(self, index: int) -> None:
            report(devices.thread_problems(package, index))

        @known.each(index=indices)
        def test_memory_is_freed(self, index: int) -> None:
            if not isinstance(package, SupportsMemoryStatistics):
                pytest.skip("it doesn't offer SupportsMemoryStatistics")
            report(devices.memory_problems(package, index))

        @known.each(index=indices)
        def test_buffers_can_be_given_away(self, index: int) -> None:
            if not isinstance(package, SupportsDonation):
                pytest.skip("it doesn't offer SupportsDonation")
            report(devices.donation_problems(package, index))

        @known.each(index=indices)
        def test_a_failed_allocation_leaves_all_whole(self, index: int) -> None:
            if failing is None:
                pytest.skip("device_suite was given no failing=, so no allocation fails")
            report(devices.failure_problems(package, index, failing))

    return DeviceSuite
