"""Says on standard error what is being waited for, where a plug-in's code takes long.

One thread looks after all of it, and ends when there is nothing to look after: starting one for each look at a plug-in
took 0.7 ms, and every kernel's first use is one.
"""

from __future__ import annotations

import os
import sys
import time
from _thread import allocate_lock, start_new_thread

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Self

PATIENCE_SECONDS = 10.0
"""After how long a user is told what is being waited for: more than loading any native library takes, less than the
patience of somebody who looks at a still terminal."""

_lock = allocate_lock()
_waits: list[Waiting] = []
_is_watched = False


class Waiting:
    """A context in which a plug-in's code runs; `doing` says at what ("importing it")."""

    __slots__ = ("_doing", "_is_told", "_plugin", "_since")

    def __init__(self, plugin: Any, doing: str) -> None:
        self._plugin, self._doing = plugin, doing
        self._since, self._is_told = time.monotonic(), False

    def __enter__(self) -> Self:
        global _is_watched
        with _lock:
            _waits.append(self)
            if not _is_watched:
                _is_watched = True
                start_new_thread(_watch, ())
        return self

    def __exit__(self, *_: object) -> None:
        with _lock:
            _waits.remove(self)

    def is_due(self, now: float) -> bool:
        """Whether it is time to tell, for the first time."""
        if self._is_told or now - self._since < PATIENCE_SECONDS:
            return False
        self._is_told = True
        return True

    def tell(self) -> None:
        """Writes what is being waited for."""
        if sys.stderr is not None:
            name = self._plugin.name
            sys.stderr.write(
                f"dovetail: plug-in {self._plugin}: {self._doing} takes more than {PATIENCE_SECONDS:g} s\n"
                "  effect: this process waits for it\n"
                f"  fix: wait, or interrupt it (Ctrl-C) and set DOVETAIL_KERNELS=-{name}; "
                f"details: dovetail doctor {name}\n"
            )


def _watch() -> None:
    global _is_watched
    while True:
        time.sleep(PATIENCE_SECONDS / 4)
        with _lock:
            if not _waits:
                _is_watched = False
                return
            due = [wait for wait in _waits if wait.is_due(time.monotonic())]
        for wait in due:
            wait.tell()


def _begin_anew() -> None:
    """In a forked child, which has no thread but the one that forked."""
    global _lock, _is_watched
    _lock, _is_watched = allocate_lock(), False
    _waits.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_anew)
