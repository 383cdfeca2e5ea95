"""What a device package offers, in the entry-point group `dovetail.devices.v1`. See docs/protocols/devices.md.

The entry point's name is the device's kind, as users write it: "cpu", "cuda", "acme".
"""

from __future__ import annotations

from .errors import DeviceError, PluginError
from .metas import CPU, Device
from .metas import device as parse_device

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, Protocol

    from .kernels import Unsupported
    from .plugins.discovery import Plugin
    from .roles import Buffer

    class DevicePackage(Protocol):
        """A kind of device: where its buffers come from, and how they come back. Safe in several threads.

        Its buffers have a `shape`. None of these methods writes to a buffer that it is given.
        """

        protocol: tuple[int, int]

        def probe(self) -> Sequence[str] | Unsupported:
            """One line of description for each device of the kind, by index; or why there is none. Called once."""

        def from_host(self, array: Any, index: int) -> Buffer:
            """A buffer on device `index` with the contents of a NumPy array, which is not written to later."""

        def to_host(self, buffer: Buffer) -> Any:
            """The contents as a NumPy array; complete when it returns. It may share the buffer's memory."""

        def contiguous(self, buffer: Buffer) -> Buffer:
            """The buffer itself where its elements lie in C order without gaps, else a copy that does."""


PROTOCOL = (1, 1)
"""The version of the device protocol that this package speaks."""

GROUP = "dovetail.devices.v1"
_found: dict[str, tuple[DevicePackage, Sequence[str]]] = {}


def find_device(name: str | Device) -> Device:
    """The installed and usable device that a name such as "cpu" or "cuda:1" stands for.

    Raises: DeviceError for a kind that isn't installed, a device that can't be used, or an index beyond the last.
    """
    found = parse_device(name)
    if found is CPU or found == CPU:
        return CPU
    _, descriptions = _usable(found.kind)
    if not 0 <= found.index < len(descriptions):
        raise DeviceError(
            f"there is no device {str(found)!r}",
            expected=f"an index below {len(descriptions)}",
            got=found.index,
            fix=f"installed: {', '.join(map(str, all_devices()))}",
        )
    return found


def device_package(kind: str) -> DevicePackage:
    """The package for a kind of device.

    Raises: DeviceError where none is installed, or it can't be used on this machine.
    """
    return _usable(kind)[0]


def all_devices() -> list[Device]:
    """The devices that can be used on this machine."""
    devices: list[Device] = []
    for plugin in _plugins():
        try:
            _, descriptions = _usable(plugin.name)
        except DeviceError:
            continue
        devices.extend(Device(plugin.name, index) for index in range(len(descriptions)))
    return devices


def describe_devices() -> dict[str, str]:
    """For each installed kind of device what it is, or why it can't be used."""
    described: dict[str, str] = {}
    for plugin in _plugins():
        try:
            described[plugin.name] = "; ".join(_usable(plugin.name)[1])
        except DeviceError as error:
            described[plugin.name] = f"unusable: {error.cause or error.what}"
    return described


def _plugins() -> list[Plugin]:
    from .plugins import find

    return find(GROUP)


def _usable(kind: str) -> tuple[DevicePackage, Sequence[str]]:
    if kind not in _found:
        plugin = next((plugin for plugin in _plugins() if plugin.name == kind), None)
        if plugin is None:
            raise _not_found(kind)
        _found[kind] = _asked(plugin)
    return _found[kind]


def _asked(plugin: Plugin) -> tuple[DevicePackage, Sequence[str]]:
    """A device package, and its devices.

    Raises: DeviceError where it is broken, speaks another protocol, or there is no device.
    """
    from .plugins.fence import asked
    from .plugins.versions import offered_by

    what = f"device {plugin.name!r} is installed but unusable"
    try:
        package: DevicePackage = offered_by(plugin)
        answer: Any = asked(plugin, package.probe)
    except PluginError as error:
        cause = error.cause if plugin.error is not None else f"{error.what}{f': {error.cause}' if error.cause else ''}"
        raise DeviceError(what, cause=cause, fix=error.fix) from error
    if hasattr(answer, "reason"):
        raise DeviceError(what, cause=answer.reason)
    if not isinstance(answer, (list, tuple)) or not answer or not all(isinstance(line, str) for line in answer):
        cause = f"plug-in {plugin}: probe() gave {answer!r:.80}, neither a line for each device nor Unsupported(reason)"
        raise DeviceError(what, cause=cause, fix=f"report it to the authors of {plugin.name!r}")
    return package, answer


def _not_found(kind: str) -> DeviceError:
    """The error for a kind of device that can't be used, or that no installed package brings."""
    from .plugins.discovery import require_sound

    try:
        require_sound(GROUP, kind)
    except PluginError as error:
        return DeviceError(f"device {kind!r} is installed but unusable", cause=error.what, fix=error.fix)
    return unknown_device(kind)


def unknown_device(kind: str) -> DeviceError:
    """The error for a kind of device that no installed package brings."""
    from difflib import get_close_matches

    installed = [plugin.name for plugin in _plugins()]
    near = get_close_matches(kind, installed, 1)
    return DeviceError(
        f"unknown device {kind!r}",
        expected=f"installed: {', '.join(installed)}",
        got=repr(kind),
        fix=f"did you mean {near[0]!r}?" if near else "install the package that brings it",
    )


def forget() -> None:
    """Forgets the devices found, and which is the default; they are looked for anew at next need."""
    from . import default_device

    _found.clear()
    default_device.forget()
