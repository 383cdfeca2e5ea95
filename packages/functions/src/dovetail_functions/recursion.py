"""Traced functions can't call themselves: the guard that says so."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from dovetail_protocols.errors import TraceError
from dovetail_protocols.tracing import user_line

MAXIMUM_DEPTH = 32
"""How often a function may be traced inside of its own trace, for other Python values each time."""

_being_traced: ContextVar[tuple[tuple[int, Hashable], ...]] = ContextVar("dovetail_functions_being_traced", default=())


def refuse_recursion(function: object, name: str, form: Hashable) -> None:
    """Raises TraceError where a function is being traced for the same form of arguments, or for too many others."""
    forms = [known for identity, known in _being_traced.get() if identity == id(function)]
    if form in forms or len(forms) >= MAXIMUM_DEPTH:
        raise TraceError(
            f"{name!r} calls itself while it is traced",
            where=user_line(),
            expected="a call that ends: the graph of a function can't contain itself",
            fix="write the repetition with while_loop, fori_loop or scan, or leave the function undecorated",
        )


@contextmanager
def tracing(function: object, form: Hashable) -> Iterator[None]:
    """Says that a function is traced for a form of arguments, for the body of a `with`."""
    token = _being_traced.set((*_being_traced.get(), (id(function), form)))
    try:
        yield
    finally:
        _being_traced.reset(token)
