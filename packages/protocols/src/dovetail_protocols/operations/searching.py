"""Where elements are: of extreme value, in a sorted array."""

from __future__ import annotations

from ..dtypes import DEFAULT_INDEX
from ..errors import AttributeValueError, ShapeError
from ..metas import TensorMeta
from ..operation import composite, primitive
from .indexing import take_along_axis
from .shape_rules import normalize_axis, reduced
from .sizes import whole
from .slicing import slice
from .sorting import argsort

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .annotations import Index, Real


def _extreme(operation: str, x: TensorMeta, axis: int | None, keepdims: bool) -> TensorMeta:
    length = x.size if axis is None else x.shape[normalize_axis(operation, axis, x.ndim)]
    if length == 0:
        raise ShapeError(f"{operation}: there are no elements to choose from", expected="at least one", got=f"{x}")
    return reduced(operation, x, axis, keepdims, DEFAULT_INDEX)


@primitive(version=1)
def argmax(x: Real, /, *, axis: int | None = None, keepdims: bool = False) -> Index:
    """The index of the greatest element along `axis`, the first of equals; NaN counts as greatest. None: the index
    into the flattened x.

    Raises: ShapeError where the axis is empty.
    Source: array API 2024.12, argmax.
    """
    return _extreme("argmax", x, axis, keepdims)


@primitive(version=1)
def argmin(x: Real, /, *, axis: int | None = None, keepdims: bool = False) -> Index:
    """The index of the least element along `axis`, the first of equals; NaN counts as least. None: the index into the
    flattened x.

    Raises: ShapeError where the axis is empty.
    Source: array API 2024.12, argmin.
    """
    return _extreme("argmin", x, axis, keepdims)


@primitive(version=1)
def searchsorted(x1: Real, x2: Real, sorter: Index | None = None, /, *, side: str = "left") -> Index:
    """For each element of x2 the place in the ascending x1: (length,) at which it would be inserted.

    `side="left"`: before equal elements, "right": after them. `sorter`: (length,) puts x1 in order first.

    Raises: ShapeError where x1 is not 1-d, AttributeValueError for another side.
    Source: array API 2024.12, searchsorted.
    """
    if x1.ndim != 1:
        raise ShapeError("searchsorted: x1 is not 1-d", where="searchsorted, x1", expected="one axis", got=f"{x1}")
    if sorter is not None and sorter.shape != x1.shape:
        raise ShapeError("searchsorted: sorter doesn't order x1", expected=f"{x1.shape}", got=f"{sorter.shape}")
    if side not in ("left", "right"):
        raise AttributeValueError(f"searchsorted: unknown side {side!r}", expected="left or right", got=repr(side))
    return TensorMeta(x2.shape, DEFAULT_INDEX, x2.device)


def _infer_top_k(x: TensorMeta, /, *, k: int, axis: int) -> tuple[TensorMeta, TensorMeta]:
    place = normalize_axis("top_k", axis, x.ndim)
    if whole("top_k", "k", k, least=0) > x.shape[place]:
        raise ShapeError(
            "top_k: k exceeds the axis", where=f"top_k, axis {place}", expected=f"at most {x.shape[place]}", got=k
        )
    shape = (*x.shape[:place], k, *x.shape[place + 1 :])
    return TensorMeta(shape, x.dtype, x.device), TensorMeta(shape, DEFAULT_INDEX, x.device)


@composite(version=1, infer=_infer_top_k)
def top_k(x: Real, /, *, k: int, axis: int = -1) -> tuple[Real, Index]:
    """(values, indices) of the k greatest elements along `axis`, greatest first, earlier ones first among equals.

    Raises: ShapeError where k exceeds the axis.
    Source: TensorFlow, tf.math.top_k.
    """
    before = (None,) * normalize_axis("top_k", axis, len(x.shape))
    order = argsort(x, axis=axis, descending=True, stable=True)
    chosen = slice(order, starts=(*before, 0), stops=(*before, k))
    return take_along_axis(x, chosen, axis=axis), chosen
