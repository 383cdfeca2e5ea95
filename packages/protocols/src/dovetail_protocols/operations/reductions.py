"""Reductions: many elements to one, over given axes.

`axis` is an int, a tuple of ints or None for all axes; `keepdims` leaves the reduced axes in place with size 1. The
standard's `dtype` argument of sum and prod is a cast before the call.
"""

from __future__ import annotations

from .. import dtypes as dt
from ..errors import ShapeError
from ..operation import primitive
from .shape_rules import normalize_axes, reduced

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..metas import TensorMeta
    from .annotations import AnyDType, Boolean, Index, Numeric, Real

    Axes = int | tuple[int, ...] | None


@primitive(version=1)
def sum(x: Numeric, /, *, axis: Axes = None, keepdims: bool = False) -> Numeric:
    """The sum over `axis`, in the dtype of x; 0 over an empty axis.

    Source: array API 2024.12, sum; its `dtype` argument is a cast before.
    """
    return reduced("sum", x, axis, keepdims)


@primitive(version=1)
def prod(x: Numeric, /, *, axis: Axes = None, keepdims: bool = False) -> Numeric:
    """The product over `axis`, in the dtype of x; 1 over an empty axis.

    Source: array API 2024.12, prod; its `dtype` argument is a cast before.
    """
    return reduced("prod", x, axis, keepdims)


@primitive(version=1)
def max(x: Real, /, *, axis: Axes = None, keepdims: bool = False) -> Real:
    """The largest element over `axis`; NaN where one is NaN. Equal largest elements share the gradient evenly.

    Raises: ShapeError where the axis is empty.
    Source: array API 2024.12, max.
    """
    refuse_empty("max", x, axis)
    return reduced("max", x, axis, keepdims)


@primitive(version=1)
def min(x: Real, /, *, axis: Axes = None, keepdims: bool = False) -> Real:
    """The smallest element over `axis`; NaN where one is NaN. Equal smallest elements share the gradient evenly.

    Raises: ShapeError where the axis is empty.
    Source: array API 2024.12, min.
    """
    refuse_empty("min", x, axis)
    return reduced("min", x, axis, keepdims)


@primitive(version=1)
def all(x: AnyDType, /, *, axis: Axes = None, keepdims: bool = False) -> Boolean:
    """Whether every element over `axis` is true (not 0); true over an empty axis. NaN is true.

    Source: array API 2024.12, all.
    """
    return reduced("all", x, axis, keepdims, dt.bool_)


@primitive(version=1)
def any(x: AnyDType, /, *, axis: Axes = None, keepdims: bool = False) -> Boolean:
    """Whether some element over `axis` is true (not 0); false over an empty axis. NaN is true.

    Source: array API 2024.12, any.
    """
    return reduced("any", x, axis, keepdims, dt.bool_)


@primitive(version=1)
def count_nonzero(x: AnyDType, /, *, axis: Axes = None, keepdims: bool = False) -> Index:
    """How many elements over `axis` are not 0, in the dtype of indices, int64.

    Source: array API 2024.12, count_nonzero.
    """
    return reduced("count_nonzero", x, axis, keepdims, dt.DEFAULT_INDEX)


def refuse_empty(operation: str, x: TensorMeta, axis: Axes) -> None:
    """Raises ShapeError where an axis to be reduced has no elements and the reduction no value for that."""
    for place in normalize_axes(operation, axis, x.ndim):
        if x.shape[place] == 0:
            raise ShapeError(
                f"{operation}: axis {place} is empty, and {operation} of nothing has no value",
                where=f"{operation}, operand 'x', axis {place}",
                expected="at least one element",
                got=f"{x}",
                fix="leave the operation out for empty arrays, or reduce another axis",
            )
