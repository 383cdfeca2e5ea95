"""Shape and dtype rules that many operations share. Each names the operation, operand and axis when it refuses."""

from __future__ import annotations

from ..dtypes import DType, float32, float64
from ..errors import AttributeValueError, AxisError, ShapeError
from ..metas import TensorMeta

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def broadcast_shapes(operation: str, *shapes: tuple[int, ...]) -> tuple[int, ...]:
    """The shape that all broadcast to. Source: NumPy's broadcasting rule, array API 2024.12."""
    rank = max(map(len, shapes), default=0)
    result: list[int] = []
    for axis in range(-rank, 0):
        size = 1
        for shape in shapes:
            if len(shape) < -axis:
                continue
            other = shape[axis]
            if size == 1:
                size = other
            elif other != 1 and other != size:
                raise ShapeError(
                    f"{operation}: shapes {' and '.join(map(str, shapes))} do not broadcast",
                    where=f"{operation}, axis {axis}",
                    expected="equal sizes, or 1",
                    got=f"{size} and {other}",
                    fix="insert an axis with expand_dims or None, or check which operand has the wrong shape",
                )
        result.append(size)
    return tuple(result)


def elementwise(operation: str, *metas: TensorMeta, dtype: DType | None = None) -> TensorMeta:
    """Operands broadcast; the dtype is the operands' (they agree already) unless given."""
    shape = metas[0].shape if len(metas) == 1 else broadcast_shapes(operation, *(meta.shape for meta in metas))
    return TensorMeta(shape, dtype or metas[0].dtype, metas[0].device)


def normalize_axis(operation: str, axis: int, ndim: int, *, argument: str = "axis") -> int:
    """A non-negative axis.

    Raises: AxisError where it is out of range.
    """
    if not isinstance(axis, int) or isinstance(axis, bool):
        raise AttributeValueError(f"{operation}: {argument} must be an int", got=repr(axis), expected="an int")
    if not -ndim <= axis < ndim:
        raise AxisError(
            f"{operation}: {argument} {axis} is out of range",
            where=f"{operation}, {argument}",
            expected=f"from {-ndim} to {ndim - 1}" if ndim else "no axis: the operand is 0-d",
            got=axis,
        )
    return axis % ndim


def normalize_axes(
    operation: str, axes: int | Sequence[int] | None, ndim: int, *, argument: str = "axis"
) -> tuple[int, ...]:
    """Non-negative axes, in the order given; None stands for all.

    Raises: ShapeError for one out of range or named twice.
    """
    if axes is None:
        return tuple(range(ndim))
    given = (axes,) if isinstance(axes, int) else tuple(axes)
    normalized = tuple(normalize_axis(operation, axis, ndim, argument=argument) for axis in given)
    if len(set(normalized)) != len(normalized):
        raise ShapeError(f"{operation}: {argument} names an axis twice", expected="each axis once", got=repr(axes))
    return normalized


def reduced(
    operation: str, meta: TensorMeta, axis: int | Sequence[int] | None, keepdims: bool, dtype: DType | None = None
) -> TensorMeta:
    """The meta after reducing over some axes."""
    axes = normalize_axes(operation, axis, meta.ndim)
    if keepdims:
        shape = tuple(1 if place in axes else size for place, size in enumerate(meta.shape))
    else:
        shape = tuple(size for place, size in enumerate(meta.shape) if place not in axes)
    return TensorMeta(shape, dtype or meta.dtype, meta.device)


def like_first(first: TensorMeta, *_others: TensorMeta | None, **_attributes: object) -> TensorMeta:
    """The result has the first operand's meta."""
    return first


def real_part_of(dtype: DType) -> DType:
    """The dtype of the parts of complex numbers; any other dtype itself."""
    return _REAL_PARTS.get(dtype.name, dtype)


_REAL_PARTS = {"complex64": float32, "complex128": float64}
