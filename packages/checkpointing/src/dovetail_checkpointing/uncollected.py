"""Python's collector of cycles, held back while very many small objects are made and all of them stay.

Each generation that it looks through is full of them: of 100,000 tensors it took a third of a save's time, half of a
load's. Only bookkeeping is done so, never reading or writing, during which other threads may leave cycles behind.
"""

from __future__ import annotations

import gc
import os
import threading
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

_lock = threading.Lock()
_calls = 0
_was_enabled = False


def uncollected(function: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """Decorator: the function, during which cycles aren't collected."""

    @wraps(function)
    def call(*arguments: Parameters.args, **options: Parameters.kwargs) -> Result:
        _hold()
        try:
            return function(*arguments, **options)
        finally:
            _let_go()

    return call


def _hold() -> None:
    global _calls, _was_enabled
    with _lock:
        if not _calls:
            _was_enabled = gc.isenabled()
            gc.disable()
        _calls += 1


def _let_go() -> None:
    global _calls
    with _lock:
        _calls -= 1
        if not _calls and _was_enabled:
            gc.enable()


def _begin_anew() -> None:
    """In a forked process, where the threads that were in such a function are not."""
    global _lock, _calls
    if _calls and _was_enabled:
        gc.enable()
    _lock, _calls = threading.Lock(), 0


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_anew)
