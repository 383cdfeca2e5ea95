"""Checks of constructors' arguments that several layers share."""

from __future__ import annotations

from typing import Any

from dovetail_protocols.errors import AttributeValueError, ShapeError


def positive(layer: str, name: str, value: Any) -> int:
    """The value, which must be a positive int.

    Raises: AttributeValueError.
    """
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise AttributeValueError(f"{layer}: {name} must be a positive int", got=repr(value))
    return value


def spatial(layer: str, name: str, value: Any, rank: int) -> tuple[int, ...]:
    """One positive int for each spatial axis; a single int stands for all.

    Raises: AttributeValueError.
    """
    values = (value,) * rank if isinstance(value, int) else tuple(value)
    if len(values) != rank:
        raise AttributeValueError(f"{layer}: {name} needs {rank} values", got=repr(value))
    return tuple(positive(layer, name, size) for size in values)


def rank_checked(layer: str, shape: tuple[int, ...], axes: tuple[str, ...]) -> None:
    """Raises ShapeError where a shape hasn't the named axes."""
    if len(shape) != len(axes):
        raise ShapeError(
            f"{layer}: the input has {len(shape)} axes", expected=f"({', '.join(axes)})", got=f"shape {tuple(shape)}"
        )
