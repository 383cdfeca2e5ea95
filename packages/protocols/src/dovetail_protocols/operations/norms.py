"""Norms of vectors."""

from __future__ import annotations

from .. import dtypes as dt
from ..errors import AttributeValueError, ShapeError
from ..metas import TensorMeta
from ..operation import composite
from .arithmetic import abs as absolute
from .arithmetic import pow, sqrt, square
from .comparison import not_equal
from .reductions import max, min, sum
from .shape_rules import normalize_axes, reduced
from .type_conversion import cast

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .annotations import Inexact

_REAL_OF = {dt.complex64: dt.float32, dt.complex128: dt.float64}


def _infer_vector_norm(
    x: TensorMeta, /, *, axis: int | tuple[int, ...] | None, keepdims: bool, ord: float
) -> TensorMeta:
    if not isinstance(ord, (int, float)) or isinstance(ord, bool):
        raise AttributeValueError(
            "vector_norm: ord is no number", where="vector_norm, ord", expected="a number", got=repr(ord)
        )
    if ord in (float("inf"), float("-inf")) or ord < 0:
        for place in normalize_axes("vector_norm", axis, x.ndim):
            if x.shape[place] == 0:
                raise ShapeError(
                    f"vector_norm: ord {ord} has no value for an empty axis", expected="an element", got=f"{x}"
                )
    return reduced("vector_norm", x, axis, keepdims, _REAL_OF.get(x.dtype, x.dtype))


@composite(version=1, infer=_infer_vector_norm)
def vector_norm(
    x: Inexact, /, *, axis: int | tuple[int, ...] | None = None, keepdims: bool = False, ord: float = 2
) -> Inexact:
    """(Σ |x|^ord)^(1/ord) over `axis` (None: all); inf: the greatest |x|, -inf: the least, 0: how many aren't zero.

    Raises: AttributeValueError where ord is no number; ShapeError where an axis is empty and ord needs an element.
    Source: array API 2024.12, linalg.vector_norm.
    """
    size = absolute(x)
    if ord == float("inf"):
        return max(size, axis=axis, keepdims=keepdims)
    if ord == float("-inf"):
        return min(size, axis=axis, keepdims=keepdims)
    if ord == 0:
        return sum(cast(not_equal(size, 0), dtype=size.dtype), axis=axis, keepdims=keepdims)
    if ord == 1:
        return sum(size, axis=axis, keepdims=keepdims)
    if ord == 2:
        return sqrt(sum(square(size), axis=axis, keepdims=keepdims))
    return pow(sum(pow(size, ord), axis=axis, keepdims=keepdims), 1 / ord)
