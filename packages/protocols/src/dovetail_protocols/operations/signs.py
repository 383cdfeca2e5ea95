"""The sign of a number, and its neighbours among those that the dtype can represent."""

from __future__ import annotations

from .. import dtypes as dt
from ..operation import primitive
from .shape_rules import elementwise

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .annotations import Boolean, Floating, Numeric


@primitive(version=1)
def sign(x: Numeric, /) -> Numeric:
    """−1, 0 or 1 with the sign of x, NaN for NaN; for complex x, x / |x|, and 0 for 0.

    Source: array API 2024.12, sign.
    """
    return elementwise("sign", x)


@primitive(version=1)
def signbit(x: Floating, /) -> Boolean:
    """Whether the sign bit is set: also for −0 and for a NaN that carries it.

    Source: array API 2024.12, signbit.
    """
    return elementwise("signbit", x, dtype=dt.bool_)


@primitive(version=1)
def copysign(x1: Floating, x2: Floating, /) -> Floating:
    """The magnitude of x1 with the sign bit of x2.

    Source: array API 2024.12, copysign.
    """
    return elementwise("copysign", x1, x2)


@primitive(version=1)
def nextafter(x1: Floating, x2: Floating, /) -> Floating:
    """The next representable number from x1 in the direction of x2; x2 where they are equal.

    Source: array API 2024.12, nextafter.
    """
    return elementwise("nextafter", x1, x2)
