"""A module as data: how to make it, on what to call it, and what it says of itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .cases import Operand


def call_directly(module: Any, *inputs: Any) -> Any:
    """`module(*inputs)`."""
    return module(*inputs)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModuleCase:
    """A module to be tried, described by what makes it and what it is called on.

    `make` gives a new one each time. `inputs`: the operands of a call, float32 where they name no dtype. `others`: more
    inputs that the same module takes, such as another batch size. `refused`: inputs of wrong shapes or dtypes, on which
    a call must raise. `call` is the forward pass, `module(*inputs)` by default. `updates`: calls change variables that
    aren't trainable, such as moving averages or a random state. `unreached`: names of trainable variables that the
    gradients of a call don't reach.
    """

    name: str
    make: Callable[[], Any]
    inputs: tuple[Operand, ...]
    others: tuple[tuple[Operand, ...], ...] = ()
    refused: tuple[tuple[Operand, ...], ...] = ()
    call: Callable[..., Any] = call_directly
    updates: bool = False
    unreached: frozenset[str] = frozenset()

    def __str__(self) -> str:
        return self.name
