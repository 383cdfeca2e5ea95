"""Variables that are made while a function is traced: who is told of them, and where their initial values come from."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar

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


def announce(variable: VariableLike) -> None:
    """Called by a tensor package at the end of making a variable. Raises what the listener raises."""
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
