"""Comparisons, element by element, with broadcasting. The result is boolean."""

from __future__ import annotations

from .. import dtypes as dt
from ..operation import primitive
from .shape_rules import elementwise

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .annotations import AnyDType, Boolean, Numeric, Real


@primitive(version=1)
def equal(x1: AnyDType, x2: AnyDType, /) -> Boolean:
    """Whether x1 = x2. NaN equals nothing, itself included.

    Source: array API 2024.12, equal.
    """
    return elementwise("equal", x1, x2, dtype=dt.bool_)


@primitive(version=1)
def not_equal(x1: AnyDType, x2: AnyDType, /) -> Boolean:
    """Whether x1 ≠ x2. NaN equals nothing, itself included.

    Source: array API 2024.12, not_equal.
    """
    return elementwise("not_equal", x1, x2, dtype=dt.bool_)


@primitive(version=1)
def less(x1: Real, x2: Real, /) -> Boolean:
    """Whether x1 < x2; false where either is NaN.

    Source: array API 2024.12, less.
    """
    return elementwise("less", x1, x2, dtype=dt.bool_)


@primitive(version=1)
def less_equal(x1: Real, x2: Real, /) -> Boolean:
    """Whether x1 ≤ x2; false where either is NaN.

    Source: array API 2024.12, less_equal.
    """
    return elementwise("less_equal", x1, x2, dtype=dt.bool_)


@primitive(version=1)
def greater(x1: Real, x2: Real, /) -> Boolean:
    """Whether x1 > x2; false where either is NaN.

    Source: array API 2024.12, greater.
    """
    return elementwise("greater", x1, x2, dtype=dt.bool_)


@primitive(version=1)
def greater_equal(x1: Real, x2: Real, /) -> Boolean:
    """Whether x1 ≥ x2; false where either is NaN.

    Source: array API 2024.12, greater_equal.
    """
    return elementwise("greater_equal", x1, x2, dtype=dt.bool_)


@primitive(version=1)
def isnan(x: Numeric, /) -> Boolean:
    """Whether x is NaN; for complex x, whether a part is.

    Source: array API 2024.12, isnan.
    """
    return elementwise("isnan", x, dtype=dt.bool_)


@primitive(version=1)
def isinf(x: Numeric, /) -> Boolean:
    """Whether x is infinite; for complex x, whether a part is.

    Source: array API 2024.12, isinf.
    """
    return elementwise("isinf", x, dtype=dt.bool_)


@primitive(version=1)
def isfinite(x: Numeric, /) -> Boolean:
    """Whether x is neither infinite nor NaN; for complex x, whether both parts are so.

    Source: array API 2024.12, isfinite.
    """
    return elementwise("isfinite", x, dtype=dt.bool_)
