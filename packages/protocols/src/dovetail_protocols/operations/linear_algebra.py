"""Products of vectors and matrices, and diagonals."""

from __future__ import annotations

from ..errors import AttributeValueError, ShapeError
from ..metas import TensorMeta
from ..operation import composite, primitive
from .arithmetic import multiply, subtract
from .complex_numbers import conj
from .joining import stack, unstack
from .manipulation import permute_dims, reshape
from .reductions import sum
from .shape_rules import broadcast_shapes, normalize_axes, normalize_axis
from .sizes import is_whole, whole
from .slicing import slice

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .annotations import AnyDType, Numeric

    Axes = int | tuple[tuple[int, ...], tuple[int, ...]]


@primitive(version=1)
def matmul(x1: Numeric, x2: Numeric, /) -> Numeric:
    """The matrix product over the last axis of x1 and the last but one of x2; axes before those broadcast.

    x1: (…, rows, inner), x2: (…, inner, columns); a 1-d operand is a vector. Result: (…, rows, columns).

    Source: array API 2024.12, matmul.
    """
    for name, operand in (("x1", x1), ("x2", x2)):
        if operand.ndim == 0:
            raise ShapeError(
                f"matmul: {name} is 0-d", expected="at least one axis", got=f"{operand}", fix="use multiply"
            )
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


def _summed_axes(x1: TensorMeta, x2: TensorMeta, axes: Axes) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The axes of each operand that tensordot sums over, in pairs."""
    if is_whole(axes):
        count = whole("tensordot", "axes", axes, least=0)
        if count > x1.ndim or count > x2.ndim:
            raise ShapeError(
                "tensordot: more axes are summed than there are",
                where="tensordot, axes",
                expected=f"at most {x1.ndim if x1.ndim < x2.ndim else x2.ndim}",
                got=count,
            )
        return tuple(range(x1.ndim - count, x1.ndim)), tuple(range(count))
    pair: Any = axes
    if len(pair) != 2:
        raise AttributeValueError(
            "tensordot: axes is no pair", expected="an int, or (axes of x1, axes of x2)", got=repr(axes)
        )
    first = normalize_axes("tensordot", pair[0], x1.ndim, argument="axes[0]")
    second = normalize_axes("tensordot", pair[1], x2.ndim, argument="axes[1]")
    if len(first) != len(second):
        raise ShapeError("tensordot: axes differ in number", expected=f"{len(first)} axes of x2", got=f"{second}")
    return first, second


def _infer_tensordot(x1: TensorMeta, x2: TensorMeta, /, *, axes: Axes) -> TensorMeta:
    first, second = _summed_axes(x1, x2, axes)
    for axis1, axis2 in zip(first, second, strict=True):
        if x1.shape[axis1] != x2.shape[axis2]:
            raise ShapeError(
                "tensordot: summed axes differ in size",
                where=f"tensordot, x1 axis {axis1} and x2 axis {axis2}",
                expected=x1.shape[axis1],
                got=x2.shape[axis2],
            )
    rows = (size for axis, size in enumerate(x1.shape) if axis not in first)
    columns = (size for axis, size in enumerate(x2.shape) if axis not in second)
    return TensorMeta((*rows, *columns), x1.dtype, x1.device)


@composite(version=1, infer=_infer_tensordot)
def tensordot(x1: Numeric, x2: Numeric, /, *, axes: Axes = 2) -> Numeric:
    """The sum of products over pairs of axes: the last `axes` of x1 with the first of x2, or (axes of x1, axes of x2).

    Result: the other axes of x1, then those of x2.

    Raises: ShapeError where paired axes differ in size.
    Source: array API 2024.12, tensordot.
    """
    first, second = _summed_axes(x1.meta, x2.meta, axes)
    rows = tuple(axis for axis in range(len(x1.shape)) if axis not in first)
    columns = tuple(axis for axis in range(len(x2.shape)) if axis not in second)
    inner = _volume(x1.shape, first)
    left = reshape(permute_dims(x1, axes=rows + first), shape=(_volume(x1.shape, rows), inner))
    right = reshape(permute_dims(x2, axes=second + columns), shape=(inner, _volume(x2.shape, columns)))
    return reshape(matmul(left, right), shape=_infer_tensordot(x1.meta, x2.meta, axes=axes).shape)


def _volume(shape: tuple[int, ...], axes: tuple[int, ...]) -> int:
    volume = 1
    for axis in axes:
        volume = volume * shape[axis]
    return volume


def _infer_vecdot(x1: TensorMeta, x2: TensorMeta, /, *, axis: int) -> TensorMeta:
    shorter = x1.ndim if x1.ndim < x2.ndim else x2.ndim
    if axis >= 0 and x1.ndim != x2.ndim:
        raise ShapeError("vecdot: ranks differ, so axis must be negative", expected=f"from {-shorter} to -1", got=axis)
    place = normalize_axis("vecdot", axis, shorter) - shorter
    if x1.shape[place] != x2.shape[place]:
        raise ShapeError(
            "vecdot: the vectors differ in length",
            where=f"vecdot, axis {axis}",
            expected=x1.shape[place],
            got=x2.shape[place],
        )
    shape = broadcast_shapes("vecdot", x1.shape, x2.shape)
    rank = len(shape)
    return TensorMeta((*shape[: rank + place], *shape[rank + place + 1 :]), x1.dtype, x1.device)


@composite(version=1, infer=_infer_vecdot)
def vecdot(x1: Numeric, x2: Numeric, /, *, axis: int = -1) -> Numeric:
    """Σ conj(x1)·x2 along `axis`; the other axes broadcast. `axis` is negative where the ranks differ.

    Raises: ShapeError where the vectors differ in length.
    Source: array API 2024.12, vecdot.
    """
    return sum(multiply(conj(x1) if x1.dtype.is_complex else x1, x2), axis=axis)


def _infer_outer(x1: TensorMeta, x2: TensorMeta, /) -> TensorMeta:
    for name, operand in (("x1", x1), ("x2", x2)):
        if operand.ndim != 1:
            raise ShapeError(f"outer: {name} is no vector", where=f"outer, {name}", expected="1 axis", got=f"{operand}")
    return TensorMeta((x1.shape[0], x2.shape[0]), x1.dtype, x1.device)


@composite(version=1, infer=_infer_outer)
def outer(x1: Numeric, x2: Numeric, /) -> Numeric:
    """x1[i]·x2[j] of two vectors, as (rows, columns).

    Source: array API 2024.12, linalg.outer.
    """
    return multiply(reshape(x1, shape=(x1.shape[0], 1)), x2)


def _infer_cross(x1: TensorMeta, x2: TensorMeta, /, *, axis: int) -> TensorMeta:
    shorter = x1.ndim if x1.ndim < x2.ndim else x2.ndim
    if axis >= 0 and x1.ndim != x2.ndim:
        raise ShapeError("cross: ranks differ, so axis must be negative", expected=f"from {-shorter} to -1", got=axis)
    place = normalize_axis("cross", axis, shorter) - shorter
    for name, operand in (("x1", x1), ("x2", x2)):
        if operand.shape[place] != 3:
            raise ShapeError(
                "cross: the vectors aren't of length 3",
                where=f"cross, {name} axis {axis}",
                expected=3,
                got=operand.shape[place],
            )
    return TensorMeta(broadcast_shapes("cross", x1.shape, x2.shape), x1.dtype, x1.device)


@composite(version=1, infer=_infer_cross)
def cross(x1: Numeric, x2: Numeric, /, *, axis: int = -1) -> Numeric:
    """The vector product of 3-vectors along `axis`; the other axes broadcast. `axis` is negative where ranks differ.

    Raises: ShapeError where that axis isn't of size 3.
    Source: array API 2024.12, linalg.cross.
    """
    a, b = unstack(x1, axis=axis), unstack(x2, axis=axis)
    turns = ((1, 2), (2, 0), (0, 1))
    parts = [subtract(multiply(a[i], b[j]), multiply(a[j], b[i])) for i, j in turns]
    return stack(*parts, axis=axis)


# ---------------------------------------------------------------------- diagonals


def _diagonal_length(operation: str, x: TensorMeta, offset: int) -> int:
    if x.ndim < 2:
        raise ShapeError(f"{operation}: x is no matrix", expected="at least 2 axes", got=f"{x}")
    rows, columns = x.shape[-2], x.shape[-1]
    if whole(operation, "offset", offset) >= 0:
        columns = columns - offset
    else:
        rows = rows + offset
    length = rows if rows < columns else columns
    return length if length > 0 else 0


def _infer_diagonal(x: TensorMeta, /, *, offset: int) -> TensorMeta:
    return TensorMeta((*x.shape[:-2], _diagonal_length("diagonal", x, offset)), x.dtype, x.device)


@composite(version=1, infer=_infer_diagonal)
def diagonal(x: AnyDType, /, *, offset: int = 0) -> AnyDType:
    """x: (…, rows, columns); its elements [i, i + offset], along a last axis.

    Raises: ShapeError where x has fewer than two axes.
    Source: array API 2024.12, linalg.diagonal.
    """
    length = _diagonal_length("diagonal", x.meta, offset)
    rows, columns = x.shape[-2:]
    start = offset if offset >= 0 else -offset * columns
    stop = start + (length - 1) * (columns + 1) + 1 if length > 0 else start
    flat = reshape(x, shape=(*x.shape[:-2], rows * columns))
    before = (None,) * (len(x.shape) - 2)
    return slice(flat, starts=(*before, start), stops=(*before, stop), strides=(*before, columns + 1))


def _infer_trace(x: TensorMeta, /, *, offset: int) -> TensorMeta:
    _diagonal_length("trace", x, offset)
    return TensorMeta(x.shape[:-2], x.dtype, x.device)


@composite(version=1, infer=_infer_trace)
def trace(x: Numeric, /, *, offset: int = 0) -> Numeric:
    """Σ x[…, i, i + offset], in the dtype of x.

    Raises: ShapeError where x has fewer than two axes.
    Source: array API 2024.12, linalg.trace; its `dtype` argument is a cast before.
    """
    return sum(diagonal(x, offset=offset), axis=-1)
