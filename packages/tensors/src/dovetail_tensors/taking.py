"""Giving a variable's buffer away, so that a compiled function may overwrite it in place.

A tensor read from a variable shares its buffer and never changes; so only a buffer that nobody else holds may go. The
buffer is taken out of the variable first and counted afterwards: whoever got hold of it before is counted, and after
that nobody can get hold of it.
"""

from __future__ import annotations

import sys
import threading
from typing import Any

import numpy as np

from dovetail_protocols.errors import UninitializedError


class Taken:
    """What stands in a variable while its buffer is away."""

    __slots__ = ("_back", "_thread", "shape")

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.shape = shape
        self._thread = threading.get_ident()
        self._back = threading.Event()

    def wait(self, name: str) -> None:
        """Returns when the variable has a buffer again.

        Raises: UninitializedError in the thread that took it, which would wait for itself.
        """
        if threading.get_ident() == self._thread:
            raise UninitializedError(
                f"Variable {name!r} is read while the buffer that was taken out of it is away",
                fix="read it before the function that assigns it is called, or afterwards",
            )
        self._back.wait()

    def release(self) -> None:
        """Lets those go on who wait."""
        self._back.set()


def _references(buffer: np.ndarray[Any, Any]) -> int:
    return sys.getrefcount(buffer)


def _references_of_one_holder() -> int:
    fresh = np.empty(1)
    return _references(fresh)


_ONE_HOLDER = _references_of_one_holder()
"""What is counted for a buffer that only a local variable of the caller holds; it differs between Pythons."""
_COUNTS_ARE_EXACT = sys.implementation.name == "cpython" and getattr(sys, "_is_gil_enabled", lambda: True)()


def take(variable: Any) -> np.ndarray[Any, Any] | None:
    """What `Variable.take` does."""
    buffer = variable._payload
    if not _COUNTS_ARE_EXACT or type(buffer) is not np.ndarray or buffer.base is not None or not buffer.flags.owndata:
        return None
    taken = Taken(buffer.shape)
    variable._payload = taken
    if _references(buffer) == _ONE_HOLDER:
        return buffer
    variable._payload = buffer
    taken.release()
    return None
