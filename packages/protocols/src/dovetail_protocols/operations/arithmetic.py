"""Arithmetic, element by element, with broadcasting."""

from __future__ import annotations

from ..operation import primitive
from .shape_rules import elementwise

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .annotations import Numeric


@primitive(version=1)
def add(x1: Numeric, x2: Numeric, /) -> Numeric:
    """x1 + x2.

    Source: array API 2024.12, add.
    """
    return elementwise("add", x1, x2)


@primitive(version=1)
def subtract(x1: Numeric, x2: Numeric, /) -> Numeric:
    """x1 - x2.

    Source: array API 2024.12, subtract.
    """
    return elementwise("subtract", x1, x2)


@primitive(version=1)
def multiply(x1: Numeric, x2: Numeric, /) -> Numeric:
    """x1 · x2.

    Source: array API 2024.12, multiply.
    """
    return elementwise("multiply", x1, x2)


@primitive(version=1)
def negative(x: Numeric, /) -> Numeric:
    """-x.

    Source: array API 2024.12, negative.
    """
    return elementwise("negative", x)
