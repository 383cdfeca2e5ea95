"""The waist: every call of an operation passes through `apply`, which hands it to the current interpreter.

Eager evaluation, a tape, a batcher and a graph tracer are interpreters. One handles the operands that are its own and
applies further operations under its parent, the interpreter that was current when it was entered; so gradients of
gradients, gradients in traced functions and batches of gradients need no code of their own.
"""

from __future__ import annotations

from contextvars import ContextVar

from . import arrays

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextvars import Token
    from types import TracebackType
    from typing import Any

    from .operation import Operation
    from .roles import Interpreter


_current: ContextVar[Interpreter | None] = ContextVar("dovetail_interpreter", default=None)
current = _current.get
"""The interpreter in force in this context, or None for plain eager evaluation."""


class interpreting:
    """Puts an interpreter in force for the body of a `with`; None stands for plain eager evaluation.

    It is in force in this thread and context only, and taken off whatever the body does.
    """

    __slots__ = ("_interpreter", "_token")

    def __init__(self, interpreter: Interpreter | None) -> None:
        self._interpreter = interpreter

    def __enter__(self) -> Interpreter | None:
        self._token: Token[Interpreter | None] = _current.set(self._interpreter)
        return self._interpreter

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _current.reset(self._token)


def apply(operation: Operation, operands: tuple[Any, ...], attributes: Mapping[str, Any]) -> Any:
    """The result of one operation under the current interpreter. Operands and attributes are bound already: users call
    the operation itself, which binds them."""
    interpreter = _current.get()
    if interpreter is None:
        return _eager(operation, operands, attributes)
    return interpreter.apply(operation, operands, attributes)


def apply_under(
    interpreter: Interpreter | None, operation: Operation, operands: tuple[Any, ...], attributes: Mapping[str, Any]
) -> Any:
    """The result of one operation under a given interpreter, which is in force for whatever the operation calls."""
    token = _current.set(interpreter)
    try:
        if interpreter is None:
            return _eager(operation, operands, attributes)
        return interpreter.apply(operation, operands, attributes)
    finally:
        _current.reset(token)


def _eager(operation: Operation, operands: tuple[Any, ...], attributes: Mapping[str, Any]) -> Any:
    return arrays.provider().evaluate(operation, operands, attributes)
