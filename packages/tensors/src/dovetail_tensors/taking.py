"""Giving a variable's buffer away, so that a compiled function may overwrite it in place.

A tensor read from a variable shares its buffer and never changes; so only a buffer that nobody else holds may go. The
buffer is taken out of the variable first and counted afterwards: whoever got hold of it before is counted, and after
that nobody can get hold of it.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from threading import get_ident
from typing import Any

import numpy as np

from dovetail_protocols import selection
from dovetail_protocols.device_abilities import SupportsDonation
from dovetail_protocols.errors import UninitializedError

from .devices import package_of

_ndarray = np.ndarray
_waiting = threading.Lock()
"""Held while an event is made, so that all who wait for a buffer wait for the same one."""


class Taken:
    """What stands in a variable while its buffer is away; or until it is first used, which `action` is to know before:
    then the buffer is `held` here."""

    __slots__ = ("_back", "_is_back", "_thread", "action", "held", "shape")

    def __init__(self, shape: tuple[int, ...], held: Any = None, action: Callable[[], None] | None = None) -> None:
        self.shape, self.held, self.action = shape, held, action
        self._thread = get_ident() if action is None else 0
        self._is_back = False
        self._back: threading.Event | None = None  # made by the first who waits: it costs as much as all the rest

    def wait(self, variable: Any) -> Any:
        """The variable's buffer, once it is back.

        Raises: UninitializedError in the thread that took it, which would wait for itself; what the action raises.
        """
        if self.action is not None:
            try:
                self._tell()
            finally:
                if variable._payload is self:
                    variable._payload = self.held
            return variable.payload
        if get_ident() == self._thread:
            raise UninitializedError(
                f"Variable {variable.name!r} is read while the buffer that was taken out of it is away",
                fix="read it before the function that assigns it is called, or afterwards",
            )
        with _waiting:
            if self._back is None:
                self._back = threading.Event()
        # Whoever releases says first that the buffer is back, then looks for an event: one of the two is seen.
        if not self._is_back:
            self._back.wait()
        return variable.payload

    def _tell(self) -> None:
        """Calls the action, unless it is the action that uses the variable."""
        thread = get_ident()
        if self._thread != thread and self.action is not None:
            self._thread = thread
            self.action()

    def release(self, variable: Any, payload: Any) -> None:
        """Lets those go on who wait, now that the variable has a buffer. After an action this one stays."""
        if self.action is not None:
            try:
                self._tell()
            finally:
                variable._payload = payload
        self._is_back = True
        if self._back is not None:
            self._back.set()


def _references(buffer: object) -> int:
    return sys.getrefcount(buffer)


def _references_of_one_holder() -> int:
    fresh = np.empty(1)
    return _references(fresh)


_ONE_HOLDER = _references_of_one_holder()
"""What is counted for a buffer that only a local variable of the caller holds; it differs between Pythons."""
_COUNTS_ARE_EXACT = sys.implementation.name == "cpython" and getattr(sys, "_is_gil_enabled", lambda: True)()


_judges: dict[str, Callable[[Any], bool]] = {}
"""By kind of device, which of its buffers are exclusive: looked up for each variable of each step."""


@selection.on_forget
def forget() -> None:
    """Forgets what devices say; they are asked anew at next need."""
    _judges.clear()


def _is_exclusive(buffer: Any, kind: str) -> bool:
    """Whether nothing but references to the buffer itself leads to its memory. For buffers that are no NumPy arrays."""
    if type(buffer) is Taken:
        return False
    judge = _judges.get(kind)
    if judge is None:
        package = package_of(kind)
        judge = package.is_exclusive if isinstance(package, SupportsDonation) else lambda buffer: False
        _judges[kind] = judge
    return judge(buffer)


def take(variable: Any) -> Any:
    """The buffer, out of the variable and to be overwritten, if nobody else holds it; else None, and nothing changes.
    Until `replace` puts one in its place, other threads that read the variable wait."""
    buffer = variable._payload
    if type(buffer) is _ndarray:
        exclusive = buffer.base is None and buffer.flags.owndata
    else:
        exclusive = _is_exclusive(buffer, variable._signature.device.kind)
    if not (exclusive and _COUNTS_ARE_EXACT):
        return None
    taken = Taken(buffer.shape)
    variable._payload = taken
    if _references(buffer) == _ONE_HOLDER:
        return buffer
    variable._payload = buffer
    taken.release(variable, buffer)
    return None
