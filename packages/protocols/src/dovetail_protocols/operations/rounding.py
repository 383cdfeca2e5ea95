"""Rounding to whole numbers, in the dtype of the operand; integers stay as they are."""

from __future__ import annotations

from ..operation import primitive
from .shape_rules import elementwise

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .annotations import Numeric, Real


@primitive(version=1)
def ceil(x: Real, /) -> Real:
    """The smallest whole number that is not below x.

    Source: array API 2024.12, ceil.
    """
    return elementwise("ceil", x)


@primitive(version=1)
def floor(x: Real, /) -> Real:
    """The largest whole number that is not above x.

    Source: array API 2024.12, floor.
    """
    return elementwise("floor", x)


@primitive(version=1)
def trunc(x: Real, /) -> Real:
    """The whole number nearest to x toward zero.

    Source: array API 2024.12, trunc.
    """
    return elementwise("trunc", x)


@primitive(version=1)
def round(x: Numeric, /) -> Numeric:
    """The whole number nearest to x; halfway cases go to the even one. Parts of complex numbers are rounded each.

    Source: array API 2024.12, round.
    """
    return elementwise("round", x)
