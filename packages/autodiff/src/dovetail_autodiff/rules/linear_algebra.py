"""Products of matrices. Tensordot, einsum and the others are differentiated through their decompositions."""

from __future__ import annotations

from typing import Any

from dovetail_protocols import operations as ops

from ..extend import gradient_of, jvp_of
from .broadcasting import unbroadcast


@gradient_of(ops.matmul)
def matmul(cotangent: Any, result: Any, x1: Any, x2: Any) -> Any:
    left, right = _as_rows(x1), _as_columns(x2)
    rows, columns = left.shape[-2], right.shape[-1]
    spread = cotangent
    if left is not x1 or right is not x2:  # the axes that a vector lacks
        batch = len(cotangent.shape) - (left is x1) - (right is x2)
        spread = ops.reshape(cotangent, shape=(*cotangent.shape[:batch], rows, columns))

    def by_x1() -> Any:
        product = unbroadcast(ops.matmul(spread, ops.matrix_transpose(right)), left)
        return product if left is x1 else ops.reshape(product, shape=x1.shape)

    def by_x2() -> Any:
        if len(right.shape) == 2 and len(left.shape) > 2:
            # All examples in one product: it is what a dense layer's weights need, and sums over them on the way.
            count = 1
            for size in left.shape[:-1]:
                count = count * size
            lines = ops.reshape(left, shape=(count, left.shape[-1]))
            product = ops.matmul(ops.matrix_transpose(lines), ops.reshape(spread, shape=(count, columns)))
        else:
            product = unbroadcast(ops.matmul(ops.matrix_transpose(left), spread), right)
        return product if right is x2 else ops.reshape(product, shape=x2.shape)

    return by_x1, by_x2


def _as_rows(x: Any) -> Any:
    return x if len(x.shape) > 1 else ops.expand_dims(x, axis=0)


def _as_columns(x: Any) -> Any:
    return x if len(x.shape) > 1 else ops.expand_dims(x, axis=1)


@jvp_of(ops.matmul)
def matmul_forward(tangents: Any, result: Any, x1: Any, x2: Any) -> Any:
    by_x1, by_x2 = tangents
    if by_x1 is None:
        return None if by_x2 is None else ops.matmul(x1, by_x2)
    pushed = ops.matmul(by_x1, x2)
    return pushed if by_x2 is None else pushed + ops.matmul(x1, by_x2)
