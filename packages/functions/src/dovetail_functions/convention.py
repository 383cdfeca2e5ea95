"""How a Python function takes its arguments, so that calls that mean the same look the same."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from dovetail_protocols.errors import SignatureError
from dovetail_protocols.records import record


@record
class BoundArguments:
    """Arguments by position where they can be, with defaults filled in; `given` counts the positional ones that the
    call gave itself."""

    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    given: int


class Convention:
    """The parameters of a function."""

    def __init__(self, function: Callable[..., Any]) -> None:
        try:
            self.signature: inspect.Signature | None = inspect.signature(function)
        except (TypeError, ValueError):  # a builtin without a signature: calls are taken as written
            self.signature = None
        self.name: str = getattr(function, "__name__", type(function).__name__)

    def bind(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> BoundArguments:
        """The arguments of a call, in one way whichever way they were written.

        Raises: SignatureError where the function doesn't take them.
        """
        if self.signature is None:
            return BoundArguments(args, kwargs, len(args))
        try:
            bound = self.signature.bind(*args, **kwargs)
        except TypeError as error:
            raise SignatureError(
                f"{self.name} doesn't take these arguments",
                expected=f"{self.name}{self.signature}",
                got=str(error),
            ) from error
        given = len(bound.args)
        bound.apply_defaults()
        return BoundArguments(bound.args, bound.kwargs, given)

    def positional_names(self, count: int) -> list[str]:
        """Names for the positional arguments; "args[3]" for one that *args takes."""
        if self.signature is None:
            return [f"argument {place}" for place in range(count)]
        names: list[str] = []
        for parameter in self.signature.parameters.values():
            if parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD):
                names.append(parameter.name)
            elif parameter.kind is parameter.VAR_POSITIONAL:
                names += [f"{parameter.name}[{place}]" for place in range(count - len(names))]
        return names[:count]
