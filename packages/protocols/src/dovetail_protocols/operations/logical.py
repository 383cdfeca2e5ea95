"""Logic on booleans, element by element, with broadcasting."""

from __future__ import annotations

from ..operation import primitive
from .shape_rules import elementwise

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .annotations import Boolean


@primitive(version=1)
def logical_and(x1: Boolean, x2: Boolean, /) -> Boolean:
    """Whether both x1 and x2 are true.

    Source: array API 2024.12, logical_and.
    """
    return elementwise("logical_and", x1, x2)


@primitive(version=1)
def logical_or(x1: Boolean, x2: Boolean, /) -> Boolean:
    """Whether x1 or x2 is true, or both.

    Source: array API 2024.12, logical_or.
    """
    return elementwise("logical_or", x1, x2)


@primitive(version=1)
def logical_xor(x1: Boolean, x2: Boolean, /) -> Boolean:
    """Whether exactly one of x1 and x2 is true.

    Source: array API 2024.12, logical_xor.
    """
    return elementwise("logical_xor", x1, x2)


@primitive(version=1)
def logical_not(x: Boolean, /) -> Boolean:
    """Whether x is false.

    Source: array API 2024.12, logical_not.
    """
    return elementwise("logical_not", x)
