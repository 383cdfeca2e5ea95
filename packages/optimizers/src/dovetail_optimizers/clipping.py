"""Bounds on gradients. None stands for a gradient that isn't there, and stays None."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dovetail_protocols import operations as ops
from dovetail_protocols.errors import AttributeValueError


def clip_by_value(gradient: Any, minimum: float, maximum: float) -> Any:
    """Each element moved into [minimum, maximum]."""
    return ops.minimum(ops.maximum(gradient, minimum), maximum)


def clip_by_norm(gradient: Any, norm: float) -> Any:
    """The gradient, scaled down to the given L2 norm where its own is larger.

    Raises: AttributeValueError for a norm that is not positive.
    """
    clipped, _ = clip_by_global_norm([gradient], norm)
    return clipped[0]


def global_norm(gradients: Sequence[Any]) -> Any:
    """The L2 norm of all gradients together: √(Σ‖g‖²), a 0-d array."""
    squares = [ops.sum(gradient * gradient) for gradient in gradients if gradient is not None]
    total = squares[0]
    for square in squares[1:]:
        total = total + square
    return ops.sqrt(total)


def clip_by_global_norm(gradients: Sequence[Any], norm: float) -> tuple[list[Any], Any]:
    """All gradients scaled by one factor, so that their global norm is at most `norm`; and the norm before.

    A norm that isn't finite makes every gradient NaN, so that it is noticed.

    Raises: AttributeValueError for a norm that is not positive.
    Source: R. Pascanu, T. Mikolov, Y. Bengio, On the difficulty of training recurrent neural networks, 2013, 3.2.
    """
    if not norm > 0:
        raise AttributeValueError("clipping: the norm must be positive", got=norm)
    if all(gradient is None for gradient in gradients):
        return list(gradients), None
    before = global_norm(gradients)
    # norm / max(before, norm) is 1 below the bound.
    factor = ops.where(ops.isfinite(before), norm / ops.maximum(before, norm), float("nan"))
    return [None if gradient is None else gradient * factor for gradient in gradients], before
