"""The decorator."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, overload

from .function import Function
from .options import Options


@overload
def function(
    python_function: Callable[..., Any],
    /,
    *,
    input_signature: Sequence[Any] | None = None,
    reduce_retracing: bool = False,
    name: str | None = None,
    compilers: Sequence[str] | None = None,
    strict: bool = False,
) -> Function: ...
@overload
def function(
    python_function: None = None,
    /,
    *,
    input_signature: Sequence[Any] | None = None,
    reduce_retracing: bool = False,
    name: str | None = None,
    compilers: Sequence[str] | None = None,
    strict: bool = False,
) -> Callable[[Callable[..., Any]], Function]: ...
def function(
    python_function: Callable[..., Any] | None = None,
    /,
    *,
    input_signature: Sequence[Any] | None = None,
    reduce_retracing: bool = False,
    name: str | None = None,
    compilers: Sequence[str] | None = None,
    strict: bool = False,
) -> Function | Callable[[Callable[..., Any]], Function]:
    """The function, traced once for each signature of its arguments and run as a graph. With or without options.

    `input_signature`: TensorSpecs for the positional arguments, in nested structures like theirs; calls that don't
    match raise, and a size of None stands for any, in one trace.
    `reduce_retracing`: at a second shape, sizes that differ become unknown, and one trace serves all of them.
    `compilers`: names of the compilers to offer graphs to, in order; none for (), all that are installed for None.
    `strict`: raise where a compiler's claim can't stand, compiling fails, or a node is left to kernels.

    >>> @function
    ... def area(width, height):
    ...     return width * height
    """
    options = Options(input_signature, reduce_retracing, name, None if compilers is None else tuple(compilers), strict)
    if python_function is None:
        return lambda decorated: Function(decorated, options)
    return Function(python_function, options)
