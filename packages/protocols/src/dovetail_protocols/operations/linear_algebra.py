"""Products of matrices."""

from __future__ import annotations

from ..errors import ShapeError
from ..metas import TensorMeta
from ..operation import primitive
from .shape_rules import broadcast_shapes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .annotations import Numeric


@primitive(version=1)
def matmul(x1: Numeric, x2: Numeric, /) -> Numeric:
    """The matrix product over the last axis of x1 and the last but one of x2; axes before those broadcast.

    x1: (…, rows, inner), x2: (…, inner, columns); a 1-d operand is a vector. Result: (…, rows, columns).

    Source: array API 2024.12, matmul.
    """
    for name, operand in (("x1", x1), ("x2", x2)):
        if operand.ndim == 0:
            raise ShapeError(f"matmul: {name} is 0-d", expected="at least one axis", got=f"{operand}", fix="use multiply")
    inner = x2.shape[-2] if x2.ndim > 1 else x2.shape[0]
    if x1.shape[-1] != inner:
        raise ShapeError(
            "matmul: the inner axes differ",
            where=f"matmul, x1 axis -1 and x2 axis {-2 if x2.ndim > 1 else -1}",
            expected=f"{x1.shape[-1]}, the last axis of x1 {x1.shape}",
            got=f"{inner}, from x2 {x2.shape}",
            fix="transpose one of them (matrix_transpose), or check the layer before",
        )
    batch = broadcast_shapes("matmul", x1.shape[:-2], x2.shape[:-2])
    rows = x1.shape[-2:-1] if x1.ndim > 1 else ()
    columns = x2.shape[-1:] if x2.ndim > 1 else ()
    return TensorMeta((*batch, *rows, *columns), x1.dtype, x1.device)
