"""The decorator."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, overload

from .function import Function
from .options import Options


@overload
def function(python_function: Callable[..., Any], /) -> Function: ...
@overload
def function(
    python_function: None = None,
    /,
    *,
    input_signature: Sequence[Any] | None = None,
    reduce_retracing: bool = False,
    name: str | None = None,
) -> Callable[[Callable[..., Any]], Function]: ...
def function(
    python_function: Callable[..., Any] | None = None,
    /,
    *,
    input_signature: Sequence[Any] | None = None,
    reduce_retracing: bool = False,
    name: str | None = None,
) -> Function | Callable[[Callable[..., Any]], Function]:
    """The function, traced once for each signature of its arguments and run as a graph. With or without options.

    `reduce_retracing`: at a second shape, sizes that differ become unknown, and one trace serves all of them.
    """
    options = Options(input_signature, reduce_retracing, name)
    if python_function is None:
        return lambda decorated: Function(decorated, options)
    return Function(python_function, options)
