"""The lower and the upper triangle of matrices."""

from __future__ import annotations

from ..errors import ShapeError
from ..operation import primitive

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..metas import TensorMeta
    from .annotations import AnyDType


@primitive(version=1)
def tril(x: AnyDType, /, *, k: int = 0) -> AnyDType:
    """x (…, rows, columns) with zeros above the diagonal that is `k` columns right of the main one.

    Source: array API 2024.12, tril.
    """
    return _matrix("tril", x)


@primitive(version=1)
def triu(x: AnyDType, /, *, k: int = 0) -> AnyDType:
    """x (…, rows, columns) with zeros below the diagonal that is `k` columns right of the main one.

    Source: array API 2024.12, triu.
    """
    return _matrix("triu", x)


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
