"""Operations on the bits of integers and booleans, element by element, with broadcasting."""

from __future__ import annotations

from ..operation import primitive
from .shape_rules import elementwise

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .annotations import Integer, IntegerOrBoolean


@primitive(version=1)
def bitwise_and(x1: IntegerOrBoolean, x2: IntegerOrBoolean, /) -> IntegerOrBoolean:
    """The bits set in both x1 and x2.

    Source: array API 2024.12, bitwise_and.
    """
    return elementwise("bitwise_and", x1, x2)


@primitive(version=1)
def bitwise_or(x1: IntegerOrBoolean, x2: IntegerOrBoolean, /) -> IntegerOrBoolean:
    """The bits set in x1 or x2, or both.

    Source: array API 2024.12, bitwise_or.
    """
    return elementwise("bitwise_or", x1, x2)


@primitive(version=1)
def bitwise_xor(x1: IntegerOrBoolean, x2: IntegerOrBoolean, /) -> IntegerOrBoolean:
    """The bits set in exactly one of x1 and x2.

    Source: array API 2024.12, bitwise_xor.
    """
    return elementwise("bitwise_xor", x1, x2)


@primitive(version=1)
def bitwise_invert(x: IntegerOrBoolean, /) -> IntegerOrBoolean:
    """Every bit of x inverted.

    Source: array API 2024.12, bitwise_invert.
    """
    return elementwise("bitwise_invert", x)


@primitive(version=1)
def bitwise_left_shift(x1: Integer, x2: Integer, /) -> Integer:
    """The bits of x1 shifted left by x2 ≥ 0 places, zeros entering: x1 · 2^x2, wrapped around.

    Source: array API 2024.12, bitwise_left_shift.
    """
    return elementwise("bitwise_left_shift", x1, x2)


@primitive(version=1)
def bitwise_right_shift(x1: Integer, x2: Integer, /) -> Integer:
    """The bits of x1 shifted right by x2 ≥ 0 places, the sign entering: ⌊x1 / 2^x2⌋.

    Source: array API 2024.12, bitwise_right_shift.
    """
    return elementwise("bitwise_right_shift", x1, x2)
