"""Functions of single precision that are computed in double: where that is the simplest way to be right."""

from __future__ import annotations

from collections.abc import Callable

from ..codegen.builder import Builder, Value


def in_double(function: Callable[..., Value]) -> Callable[..., Value]:
    """The function of doubles also for floats, which it then rounds once."""

    def run(b: Builder, *operands: Value) -> Value:
        if operands[0].element == "double":
            return function(b, *operands)
        return b.convert("fptrunc", function(b, *(b.convert("fpext", x, "double") for x in operands)), "float")

    return run
