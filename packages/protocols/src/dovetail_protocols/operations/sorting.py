"""Order along an axis."""

from __future__ import annotations

from ..dtypes import DEFAULT_INDEX
from ..metas import TensorMeta
from ..operation import primitive
from .shape_rules import normalize_axis

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .annotations import Index, Real


@primitive(version=1)
def sort(x: Real, /, *, axis: int = -1, descending: bool = False, stable: bool = True) -> Real:
    """x with its elements in order along `axis`. NaN counts as greatest.

    Source: array API 2024.12, sort.
    """
    normalize_axis("sort", axis, x.ndim)
    return x


@primitive(version=1)
def argsort(x: Real, /, *, axis: int = -1, descending: bool = False, stable: bool = True) -> Index:
    """The indices that put x in order along `axis`; `stable` keeps the order of equal elements, descending too.

    Source: array API 2024.12, argsort.
    """
    normalize_axis("argsort", axis, x.ndim)
    return TensorMeta(x.shape, DEFAULT_INDEX, x.device)
