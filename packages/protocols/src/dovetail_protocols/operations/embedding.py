"""Rows of a table by number, and the gradient that sums into them."""

from __future__ import annotations

from ..errors import AttributeValueError, ShapeError
from ..metas import TensorMeta
from ..operation import composite, primitive
from .indexing import take

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .annotations import Floating, Index


def _infer_embedding(table: TensorMeta, indices: TensorMeta) -> TensorMeta:
    if table.ndim < 1:
        raise ShapeError(
            "embedding: the table is 0-d",
            where="embedding, table",
            expected="(vocabulary, *features)",
            got=f"{table.shape}",
        )
    return TensorMeta((*indices.shape, *table.shape[1:]), table.dtype, table.device)


@composite(version=1, infer=_infer_embedding)
def embedding(table: Floating, indices: Index, /) -> Floating:
    """The rows of a table that the indices name.

    table: (vocabulary, *features); indices: any shape, as `take` reads them. Result: (*indices, *features).

    Raises: ShapeError for a 0-d table; IndexRangeError for an index out of range, where values are looked at.
    """
    return take(table, indices, axis=0)


@primitive(version=1)
def embedding_gradient(cotangent: Floating, indices: Index, /, *, size: int) -> Floating:
    """The cotangent of embedding's table of `size` rows: each row the sum of the cotangents of its indices.

    cotangent: (*indices, *features), indices: any shape. Result: (size, *features). The sums run in the order of the
    indices, so that equal calls give equal bits.
    """
    leading = cotangent.shape[: indices.ndim]
    if leading != indices.shape:
        raise ShapeError(
            "embedding_gradient: the cotangent doesn't begin with the axes of the indices",
            where="embedding_gradient, cotangent",
            expected=f"({', '.join(map(str, indices.shape))}, *features)",
            got=f"{cotangent.shape}",
        )
    if not isinstance(size, int) or size < 0:
        raise AttributeValueError("embedding_gradient: size must be an int from 0 up", got=repr(size))
    return TensorMeta((size, *cotangent.shape[indices.ndim :]), cotangent.dtype, cotangent.device)
