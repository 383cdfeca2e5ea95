"""Trigonometric and hyperbolic functions and their inverses, element by element. Angles are in radians."""

from __future__ import annotations

from ..operation import primitive
from .shape_rules import elementwise

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .annotations import Floating, Inexact


@primitive(version=1)
def sin(x: Inexact, /) -> Inexact:
    """The sine of x; NaN for ±∞.

    Source: array API 2024.12, sin.
    """
    return elementwise("sin", x)


@primitive(version=1)
def cos(x: Inexact, /) -> Inexact:
    """The cosine of x; NaN for ±∞.

    Source: array API 2024.12, cos.
    """
    return elementwise("cos", x)


@primitive(version=1)
def tan(x: Inexact, /) -> Inexact:
    """The tangent of x; NaN for ±∞.

    Source: array API 2024.12, tan.
    """
    return elementwise("tan", x)


@primitive(version=1)
def asin(x: Inexact, /) -> Inexact:
    """The angle in [−π/2, π/2] whose sine is x; NaN outside [−1, 1].

    Source: array API 2024.12, asin.
    """
    return elementwise("asin", x)


@primitive(version=1)
def acos(x: Inexact, /) -> Inexact:
    """The angle in [0, π] whose cosine is x; NaN outside [−1, 1].

    Source: array API 2024.12, acos.
    """
    return elementwise("acos", x)


@primitive(version=1)
def atan(x: Inexact, /) -> Inexact:
    """The angle in [−π/2, π/2] whose tangent is x.

    Source: array API 2024.12, atan.
    """
    return elementwise("atan", x)


@primitive(version=1)
def atan2(x1: Floating, x2: Floating, /) -> Floating:
    """The angle in [−π, π] of the point (x2, x1): the arc tangent of x1 / x2 in the right quadrant.

    Source: array API 2024.12, atan2.
    """
    return elementwise("atan2", x1, x2)


@primitive(version=1)
def sinh(x: Inexact, /) -> Inexact:
    """The hyperbolic sine, (eˣ − e⁻ˣ) / 2.

    Source: array API 2024.12, sinh.
    """
    return elementwise("sinh", x)


@primitive(version=1)
def cosh(x: Inexact, /) -> Inexact:
    """The hyperbolic cosine, (eˣ + e⁻ˣ) / 2.

    Source: array API 2024.12, cosh.
    """
    return elementwise("cosh", x)


@primitive(version=1)
def tanh(x: Inexact, /) -> Inexact:
    """The hyperbolic tangent, (eˣ − e⁻ˣ) / (eˣ + e⁻ˣ).

    Source: array API 2024.12, tanh.
    """
    return elementwise("tanh", x)


@primitive(version=1)
def asinh(x: Inexact, /) -> Inexact:
    """The inverse hyperbolic sine, log(x + √(x² + 1)).

    Source: array API 2024.12, asinh.
    """
    return elementwise("asinh", x)


@primitive(version=1)
def acosh(x: Inexact, /) -> Inexact:
    """The inverse hyperbolic cosine, log(x + √(x² − 1)); NaN for real x below 1.

    Source: array API 2024.12, acosh.
    """
    return elementwise("acosh", x)


@primitive(version=1)
def atanh(x: Inexact, /) -> Inexact:
    """The inverse hyperbolic tangent, ½ log((1 + x) / (1 − x)); NaN for real x outside [−1, 1].

    Source: array API 2024.12, atanh.
    """
    return elementwise("atanh", x)
