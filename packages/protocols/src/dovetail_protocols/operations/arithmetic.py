"""Arithmetic, element by element, with broadcasting.

Infinities, NaN and signed zeros follow IEEE 754 as the array API standard has it. Integers wrap around.
"""

from __future__ import annotations

from ..operation import composite, primitive
from .shape_rules import elementwise, like_first, real_part_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..metas import TensorMeta
    from .annotations import Floating, Inexact, Numeric, Real


@primitive(version=1)
def add(x1: Numeric, x2: Numeric, /) -> Numeric:
    """x1 + x2.

    Source: array API 2024.12, add.
    """
    return elementwise("add", x1, x2)


@primitive(version=1)
def subtract(x1: Numeric, x2: Numeric, /) -> Numeric:
    """x1 − x2.

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
def divide(x1: Inexact, x2: Inexact, /) -> Inexact:
    """x1 / x2. Integers are converted to the default floating dtype first.

    Source: array API 2024.12, divide.
    """
    return elementwise("divide", x1, x2)


@primitive(version=1)
def floor_divide(x1: Real, x2: Real, /) -> Real:
    """⌊x1 / x2⌋. An integer divided by zero gives 0, a floating number ±∞ or NaN as `divide` does.

    Source: array API 2024.12, floor_divide.
    """
    return elementwise("floor_divide", x1, x2)


@primitive(version=1)
def remainder(x1: Real, x2: Real, /) -> Real:
    """x1 − x2 · ⌊x1 / x2⌋, with the sign of x2. An integer modulo zero gives 0.

    Source: array API 2024.12, remainder.
    """
    return elementwise("remainder", x1, x2)


@primitive(version=1)
def pow(x1: Numeric, x2: Numeric, /) -> Numeric:
    """x1 to the power x2. Integer operands need x2 ≥ 0.

    Source: array API 2024.12, pow.
    """
    return elementwise("pow", x1, x2)


@primitive(version=1)
def negative(x: Numeric, /) -> Numeric:
    """−x.

    Source: array API 2024.12, negative.
    """
    return elementwise("negative", x)


@composite(version=1, infer=like_first)
def positive(x: Numeric, /) -> Numeric:
    """x itself.

    Source: array API 2024.12, positive.
    """
    return x


@primitive(version=1)
def abs(x: Numeric, /) -> Numeric:
    """|x|; for complex x its modulus √(re² + im²), in the real dtype of its parts.

    Source: array API 2024.12, abs.
    """
    return elementwise("abs", x, dtype=real_part_of(x.dtype))


@composite(version=1, infer=like_first)
def square(x: Numeric, /) -> Numeric:
    """x · x.

    Source: array API 2024.12, square.
    """
    return multiply(x, x)


@composite(version=1, infer=like_first)
def reciprocal(x: Inexact, /) -> Inexact:
    """1 / x.

    Source: array API 2024.12, reciprocal.
    """
    return divide(1, x)


@primitive(version=1)
def sqrt(x: Inexact, /) -> Inexact:
    """√x, the principal root; NaN for negative real x.

    Source: array API 2024.12, sqrt.
    """
    return elementwise("sqrt", x)


@composite(version=1, infer=like_first)
def rsqrt(x: Inexact, /) -> Inexact:
    """1 / √x.

    Source: TensorFlow, tf.math.rsqrt.
    """
    return divide(1, sqrt(x))


@primitive(version=1)
def hypot(x1: Floating, x2: Floating, /) -> Floating:
    """√(x1² + x2²), without overflow on the way. Infinite where either is, even beside a NaN.

    Source: array API 2024.12, hypot.
    """
    return elementwise("hypot", x1, x2)


@primitive(version=1)
def maximum(x1: Real, x2: Real, /) -> Real:
    """The larger of x1 and x2; NaN where either is NaN. Where they are equal each gets half of the gradient.

    Source: array API 2024.12, maximum.
    """
    return elementwise("maximum", x1, x2)


@primitive(version=1)
def minimum(x1: Real, x2: Real, /) -> Real:
    """The smaller of x1 and x2; NaN where either is NaN. Where they are equal each gets half of the gradient.

    Source: array API 2024.12, minimum.
    """
    return elementwise("minimum", x1, x2)


def _clipped(x: TensorMeta, min: TensorMeta | None, max: TensorMeta | None) -> TensorMeta:
    return elementwise("clip", *(meta for meta in (x, min, max) if meta is not None))


@composite(version=1, infer=_clipped)
def clip(x: Real, /, min: Real | None = None, max: Real | None = None) -> Real:
    """minimum(maximum(x, min), max); a bound that is None is absent. NaN where x or a bound is NaN.

    The gradient goes to x where it lies between the bounds or on one of them, elsewhere to the bound.

    Source: array API 2024.12, clip.
    """
    above = x if min is None else maximum(x, min)
    return above if max is None else minimum(above, max)
