"""The lower and the upper triangle of matrices."""

from __future__ import annotations

from ..errors import ShapeError
from ..operation import composite
from .creation import arange
from .indexing import where
from .manipulation import expand_dims

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..metas import TensorMeta
    from .annotations import AnyDType


def _lower_meta(x: TensorMeta, *, k: int) -> TensorMeta:
    return _matrix("tril", x)


@composite(version=1, infer=_lower_meta)
def tril(x: AnyDType, /, *, k: int = 0) -> AnyDType:
    """x (…, rows, columns) with zeros above the diagonal that is `k` columns right of the main one.

    Source: array API 2024.12, tril.
    """
    rows, columns = _positions(x)
    return where(columns <= rows + k, x, False)


def _upper_meta(x: TensorMeta, *, k: int) -> TensorMeta:
    return _matrix("triu", x)


@composite(version=1, infer=_upper_meta)
def triu(x: AnyDType, /, *, k: int = 0) -> AnyDType:
    """x (…, rows, columns) with zeros below the diagonal that is `k` columns right of the main one.

    Source: array API 2024.12, triu.
    """
    rows, columns = _positions(x)
    return where(columns >= rows + k, x, False)


def _positions(x: Any) -> tuple[Any, Any]:
    """(rows, 1) and (1, columns): the indices of rows and of columns."""
    rows, columns = x.shape[-2:]
    return (
        expand_dims(arange(start=0, stop=rows, device=x.device), axis=1),
        expand_dims(arange(start=0, stop=columns, device=x.device), axis=0),
    )


def _matrix(operation: str, x: TensorMeta) -> TensorMeta:
    if x.ndim < 2:
        raise ShapeError(
            f"{operation}: x is not a matrix",
            where=f"{operation}, operand 'x'",
            expected="at least 2 axes",
            got=f"{x}",
            fix="insert an axis with expand_dims or None",
        )
    return x
