"""Variables that are made: who is told of them, and where their initial values come from inside a trace."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from threading import Lock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from .roles import Array, VariableLike

_listener: ContextVar[Callable[[VariableLike], None] | None] = ContextVar("dovetail_variable_listener", default=None)


@contextmanager
def telling(listener: Callable[[VariableLike], None] | None) -> Iterator[None]:
    """For the body of a `with`, the listener hears of every variable that this context makes, also eagerly; it may
    raise to refuse one. The innermost listener alone is told."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


_watchers: tuple[Callable[[VariableLike], None], ...] = ()
_lock = Lock()


def watch(watcher: Callable[[VariableLike], None]) -> None:
    """From now on the watcher hears of every variable that the process makes, in the thread that makes it, before the
    listener does. It is no place to refuse one: it must not raise. One that watches already is not told twice."""
    global _watchers
    with _lock:
        if watcher not in _watchers:
            _watchers = (*_watchers, watcher)


def unwatch(watcher: Callable[[VariableLike], None]) -> None:
    """The watcher hears of no further variable."""
    global _watchers
    with _lock:
        _watchers = tuple(other for other in _watchers if other != watcher)


def announce(variable: VariableLike) -> None:
    """Called by a tensor package at the end of making a variable. Raises what the listener raises."""
    for watcher in _watchers:
        watcher(variable)
    listener = _listener.get()
    if listener is not None:
        listener(variable)


def initial_value(array: Array) -> Array:
    """The concrete array for a variable's initial value: itself, or for one inside a trace what it will always be.

    Raises: ConcretizationError or TraceError where that depends on arguments of the traced function.
    """
    payload: Any = array.payload
    if not hasattr(payload, "concretize"):
        return array
    lifts = hasattr(payload, "lift")
    concrete: Array = payload.lift() if lifts else payload.concretize("a Variable's initial value")
    return concrete
