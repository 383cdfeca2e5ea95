"""Where new arrays are made when nothing else is said: in a scope, else where the environment says, else on the CPU."""

from __future__ import annotations

import os
from contextvars import ContextVar

from .devices import find_device
from .errors import DeviceError
from .metas import CPU, Device

TYPE_CHECKING = False
if TYPE_CHECKING:
    from contextvars import Token
    from types import TracebackType

VARIABLE = "DOVETAIL_DEVICE"
"""The environment variable that names the default device of a process."""

_chosen: ContextVar[Device | None] = ContextVar("dovetail_device", default=None)
chosen_device = _chosen.get
"""The device of the innermost scope in this context, or None outside of all. Memories of calls are keyed by it."""
_of_process: Device | None = None


def current_device() -> Device:
    """Where arrays are made in this context when nothing else is said.

    Raises: DeviceError where the environment names a device that isn't installed or usable.
    """
    return _chosen.get() or _of_process or _read_environment()


class device:
    """Makes new arrays on a device for the body of a `with`, where nothing else is said. Arrays stay where they are.

    Raises: DeviceError for a device that isn't installed or usable.
    """

    def __init__(self, name: str | Device) -> None:
        self.chosen = find_device(name)

    def __enter__(self) -> Device:
        self._token: Token[Device | None] = _chosen.set(self.chosen)
        return self.chosen

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _chosen.reset(self._token)


def _read_environment() -> Device:
    """The device that the environment names, from now on that of the process."""
    global _of_process
    name = os.environ.get(VARIABLE)
    if not name:
        _of_process = CPU
        return CPU
    try:
        _of_process = find_device(name)
    except DeviceError as error:
        error.where = f"environment variable {VARIABLE}={name}"
        raise
    return _of_process


def forget() -> None:
    """Reads the environment anew at next need."""
    global _of_process
    _of_process = None
