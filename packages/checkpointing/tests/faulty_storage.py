"""Storage whose n-th call fails, whichever it is, and that tells what it was asked."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from typing import Any

from dovetail_checkpointing import MemoryFileSystem

_MAKES_MORE = ("create", "open_folder", "open", "lock")
_NEVER_FAILS = ("close", "map", "forget_cached", "release", "mount")


class Faults:
    """Counts calls; from number `failing` on, `count` of them fail with an error number. `calls` tells them all."""

    def __init__(self, failing: int | None = None, number: int = errno.EIO, count: int = 1) -> None:
        self.failing, self.number, self.count = failing, number, count
        self.calls: list[str] = []

    def storage(self, inner: Any = None) -> Any:
        """A FileSystem, by default a new one in memory, whose calls may fail."""
        return Faulty(MemoryFileSystem() if inner is None else inner, "", self)

    @property
    def hit(self) -> str | None:
        """The call that failed."""
        return None if self.failing is None or self.failing >= len(self.calls) else self.calls[self.failing]

    @property
    def after(self) -> list[str]:
        """The calls after it."""
        return [] if self.failing is None else self.calls[self.failing + 1 :]

    def called(self, call: str) -> None:
        """Takes one call.

        Raises: OSError, if it is to fail.
        """
        place = len(self.calls)
        self.calls.append(call)
        if self.failing is not None and self.failing <= place < self.failing + self.count:
            raise OSError(self.number, os.strerror(self.number))


class Faulty:
    """A FileSystem, or a file, folder or lock of one."""

    def __init__(self, inner: Any, name: str, faults: Faults) -> None:
        self._inner, self._name, self._faults = inner, name, faults

    def __getattr__(self, method: str) -> Any:
        found = getattr(self._inner, method)
        if not callable(found) or method in _NEVER_FAILS:
            return found
        return lambda *arguments, **options: self._call(method, found, arguments, options)

    def _call(self, method: str, found: Callable[..., Any], arguments: tuple[Any, ...], options: dict[str, Any]) -> Any:
        of = " ".join([self._name, *(str(one) for one in arguments if isinstance(one, str | os.PathLike))]).strip()
        self._faults.called(f"{method} {of}".strip())
        result = found(*arguments, **options)
        return Faulty(result, of, self._faults) if method in _MAKES_MORE else result
