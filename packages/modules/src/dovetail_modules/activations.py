"""Activation functions by the names that layers take."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dovetail_protocols import operations as ops
from dovetail_protocols.errors import AttributeValueError


def linear(x: Any) -> Any:
    """x itself."""
    return x


_BY_NAME: dict[str, Callable[..., Any]] = {
    "celu": ops.celu,
    "elu": ops.elu,
    "gelu": ops.gelu,
    "hard_sigmoid": ops.hard_sigmoid,
    "hard_silu": ops.hard_silu,
    "leaky_relu": ops.leaky_relu,
    "linear": linear,
    "log_softmax": ops.log_softmax,
    "mish": ops.mish,
    "relu": ops.relu,
    "relu6": ops.relu6,
    "selu": ops.selu,
    "sigmoid": ops.sigmoid,
    "silu": ops.silu,
    "softmax": ops.softmax,
    "softplus": ops.softplus,
    "softsign": ops.softsign,
    "swish": ops.silu,
    "tanh": ops.tanh,
}


def get(identifier: str | Callable[..., Any] | None) -> Callable[..., Any]:
    """The function that a name stands for, the given function, or for None the identity.

    Raises: AttributeValueError for an unknown name.
    """
    if identifier is None:
        return linear
    if callable(identifier):
        return identifier
    if identifier not in _BY_NAME:
        raise AttributeValueError(
            f"unknown activation {identifier!r}", expected=f"{', '.join(_BY_NAME)}, or a function", got=identifier
        )
    return _BY_NAME[identifier]
