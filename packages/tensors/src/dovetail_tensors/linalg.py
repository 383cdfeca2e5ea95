"""Linear algebra that is there already; decompositions and solvers are for a later issue (docs/status.md).

Source: array API 2024.12, Linear Algebra Functions and the linalg extension; TensorFlow, tf.linalg.
"""

from __future__ import annotations

from typing import Any

from dovetail_protocols import operations as ops
from dovetail_protocols.errors import AttributeValueError
from dovetail_protocols.operations import cross, matmul, matrix_transpose, outer

from .array_functions import Axes, _axes, einsum, tensordot
from .conversion import convert
from .tensor import Tensor

__all__ = [
    "cross",
    "diag",
    "diag_part",
    "diagonal",
    "einsum",
    "matmul",
    "matrix_transpose",
    "norm",
    "outer",
    "tensordot",
    "trace",
    "vecdot",
    "vector_norm",
]


def diag(diagonal: Any, /, k: int = 0) -> Tensor:
    """Matrices with the last axis of `diagonal` on their k-th diagonal, zeros elsewhere: (…, n, n) for k = 0."""
    line = convert(diagonal)
    count = line.shape[-1]
    size = count + abs(k)
    rows = ops.expand_dims(ops.arange(start=count), axis=-1)
    first, second = (rows, rows + k) if k >= 0 else (rows - k, rows)
    places = ops.concat(first, second, axis=-1)
    moved = ops.moveaxis(line, source=-1, destination=0)
    spread = ops.scatter_nd(places, moved, shape=(size, size, *moved.shape[1:]))
    return ops.moveaxis(spread, source=(0, 1), destination=(-2, -1))


def diagonal(x: Any, /, *, offset: int = 0) -> Tensor:
    """The diagonals of the matrices in the last two axes: (…, n)."""
    return ops.diagonal(x, offset=offset)


def diag_part(x: Any, /) -> Tensor:
    """The main diagonals, as TensorFlow spells it."""
    return ops.diagonal(x, offset=0)


def trace(x: Any, /, *, offset: int = 0) -> Tensor:
    """The sums of the diagonals of the matrices in the last two axes."""
    return ops.trace(x, offset=offset)


def vecdot(x1: Any, x2: Any, /, *, axis: int = -1) -> Tensor:
    """The sums of products along an axis, the first factor conjugated."""
    return ops.vecdot(x1, x2, axis=axis)


def vector_norm(x: Any, /, *, axis: Axes = None, keepdims: bool = False, ord: float = 2) -> Tensor:
    """The norm of the vectors along some axes, or of all elements."""
    return ops.vector_norm(x, axis=_axes(axis), keepdims=keepdims, ord=ord)


def norm(x: Any, ord: Any = "euclidean", axis: Axes = None, keepdims: bool = False) -> Tensor:
    """The norm of vectors, or the Frobenius norm of matrices. `ord`: "euclidean", "fro", or a number for vectors.

    Raises: AttributeValueError for other norms of matrices.
    """
    if isinstance(axis, (tuple, list)) and len(axis) == 2 and ord not in ("euclidean", "fro"):
        raise AttributeValueError(
            f"norm: the matrix norm {ord!r} is not offered", where="norm, argument ord", expected="'fro'", got=repr(ord)
        )
    order = 2 if ord in ("euclidean", "fro") else ord
    return ops.vector_norm(x, axis=_axes(axis), keepdims=keepdims, ord=order)
