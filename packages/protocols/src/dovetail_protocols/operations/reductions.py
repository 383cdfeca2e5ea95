"""Reductions: many elements to one, over given axes."""

from __future__ import annotations

from ..operation import primitive
from .shape_rules import reduced

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .annotations import Numeric


@primitive(version=1)
def sum(x: Numeric, /, *, axis: int | tuple[int, ...] | None = None, keepdims: bool = False) -> Numeric:
    """The sum over `axis` (None: all axes), in the dtype of x.

    Source: array API 2024.12, sum; its `dtype` argument is a cast before.
    """
    return reduced("sum", x, axis, keepdims)
