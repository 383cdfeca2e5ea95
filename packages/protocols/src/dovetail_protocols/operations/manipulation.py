"""The same elements under another shape or another order of axes."""

from __future__ import annotations

from ..errors import AttributeValueError, ShapeError
from ..metas import TensorMeta
from ..operation import composite, primitive
from .shape_rules import broadcast_shapes, normalize_axes, normalize_axis
from .sizes import as_shape, in_tuple, is_whole, resolve_shape, whole
from .slicing import slice

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .annotations import AnyDType, EachDType

# ---------------------------------------------------------------------- shape


@primitive(version=1)
def reshape(x: AnyDType, /, *, shape: tuple[int, ...], copy: bool | None = None) -> AnyDType:
    """The elements of x in row-major order under another shape; one size may be -1, which the others decide.

    `copy=False` asks for a view and raises where there is none, `copy=True` for a buffer of the result's own; arrays
    are immutable, so that the values never tell.

    Raises: ShapeError where the elements don't fill the shape.
    Source: array API 2024.12, reshape.
    """
    return TensorMeta(resolve_shape("reshape", x.size, shape), x.dtype, x.device)


def _infer_flatten(x: TensorMeta, /, *, start_axis: int, end_axis: int) -> TensorMeta:
    if x.ndim == 0:
        return TensorMeta((1,), x.dtype, x.device)
    start = normalize_axis("flatten", start_axis, x.ndim, argument="start_axis")
    end = normalize_axis("flatten", end_axis, x.ndim, argument="end_axis")
    if end < start:
        raise ShapeError("flatten: end_axis is before start_axis", expected=f"at least {start}", got=f"{end}")
    merged = 1
    for size in x.shape[start : end + 1]:
        merged = merged * size
    return TensorMeta((*x.shape[:start], merged, *x.shape[end + 1 :]), x.dtype, x.device)


@composite(version=1, infer=_infer_flatten)
def flatten(x: AnyDType, /, *, start_axis: int = 0, end_axis: int = -1) -> AnyDType:
    """x with the axes from `start_axis` to `end_axis` merged into one; a 0-d array becomes one of a single element."""
    return reshape(x, shape=_infer_flatten(x.meta, start_axis=start_axis, end_axis=end_axis).shape)


@primitive(version=1)
def broadcast_to(x: AnyDType, /, *, shape: tuple[int, ...]) -> AnyDType:
    """x repeated along new leading axes, and along axes of size 1, to fill `shape`.

    Raises: ShapeError where x does not broadcast to it.
    Source: array API 2024.12, broadcast_to.
    """
    wanted = as_shape("broadcast_to", shape)
    added = len(wanted) - x.ndim
    for axis, size in enumerate(x.shape):
        if added < 0 or (size != 1 and size != wanted[axis + added]):
            raise ShapeError(
                f"broadcast_to: {x.shape} does not broadcast to {wanted}",
                where=f"broadcast_to, axis {axis} of x",
                expected="at least as many axes as x, each of the size that x has there, or any where x has 1",
                got=f"{wanted}",
                fix="insert axes of size 1 into x with expand_dims",
            )
    return TensorMeta(wanted, x.dtype, x.device)


def _infer_broadcast_arrays(*arrays: TensorMeta) -> tuple[TensorMeta, ...]:
    shape = broadcast_shapes("broadcast_arrays", *(array.shape for array in arrays))
    return tuple(TensorMeta(shape, array.dtype, array.device) for array in arrays)


@composite(version=1, infer=_infer_broadcast_arrays)
def broadcast_arrays(*arrays: EachDType) -> tuple[EachDType, ...]:
    """All arrays broadcast to the shape that they have in common; each keeps its dtype.

    Source: array API 2024.12, broadcast_arrays.
    """
    shape = broadcast_shapes("broadcast_arrays", *(array.shape for array in arrays))
    return tuple(broadcast_to(array, shape=shape) for array in arrays)


# ---------------------------------------------------------------------- axes of size 1


def _infer_expand_dims(x: TensorMeta, /, *, axis: int | tuple[int, ...]) -> TensorMeta:
    count = len(in_tuple(axis))
    inserted = normalize_axes("expand_dims", axis, x.ndim + count)
    sizes = iter(x.shape)
    shape = tuple(1 if place in inserted else next(sizes) for place in range(x.ndim + count))
    return TensorMeta(shape, x.dtype, x.device)


@composite(version=1, infer=_infer_expand_dims)
def expand_dims(x: AnyDType, /, *, axis: int | tuple[int, ...] = 0) -> AnyDType:
    """x with a new axis of size 1 at position `axis` of the result, or at several.

    Raises: ShapeError for a position outside the result.
    Source: array API 2024.12, expand_dims.
    """
    return reshape(x, shape=_infer_expand_dims(x.meta, axis=axis).shape)


def _infer_squeeze(x: TensorMeta, /, *, axis: int | tuple[int, ...] | None) -> TensorMeta:
    if axis is None:
        return TensorMeta(tuple(size for size in x.shape if size != 1), x.dtype, x.device)
    removed = normalize_axes("squeeze", axis, x.ndim)
    for place in removed:
        if x.shape[place] != 1:
            raise ShapeError(
                f"squeeze: axis {place} of {x.shape} is not of size 1",
                where=f"squeeze, axis {place}",
                expected="1",
                got=x.shape[place],
                fix="name only axes of size 1, or take one element with take",
            )
    return TensorMeta(tuple(s for place, s in enumerate(x.shape) if place not in removed), x.dtype, x.device)


@composite(version=1, infer=_infer_squeeze)
def squeeze(x: AnyDType, /, *, axis: int | tuple[int, ...] | None = None) -> AnyDType:
    """x without the given axes, which must be of size 1; None: without all such axes.

    Raises: ShapeError for an axis of another size.
    Source: array API 2024.12, squeeze, where `axis` is required.
    """
    return reshape(x, shape=_infer_squeeze(x.meta, axis=axis).shape)


# ---------------------------------------------------------------------- order of axes


@primitive(version=1)
def permute_dims(x: AnyDType, /, *, axes: tuple[int, ...] | None = None) -> AnyDType:
    """x with its axes in another order: axis k of the result is axis `axes[k]` of x; None: in reverse order.

    Raises: ShapeError unless `axes` names every axis once.
    Source: array API 2024.12, permute_dims.
    """
    if axes is None:
        return TensorMeta(x.shape[::-1], x.dtype, x.device)
    order = normalize_axes("permute_dims", axes, x.ndim, argument="axes")
    if len(order) != x.ndim:
        raise ShapeError("permute_dims: axes must name every axis", expected=f"{x.ndim} axes", got=repr(axes))
    return TensorMeta(tuple(x.shape[axis] for axis in order), x.dtype, x.device)


def _infer_matrix_transpose(x: TensorMeta, /) -> TensorMeta:
    if x.ndim < 2:
        raise ShapeError("matrix_transpose: x is no matrix", expected="at least 2 axes", got=f"{x}")
    return TensorMeta((*x.shape[:-2], x.shape[-1], x.shape[-2]), x.dtype, x.device)


@composite(version=1, infer=_infer_matrix_transpose)
def matrix_transpose(x: AnyDType, /) -> AnyDType:
    """x: (…, rows, columns) with its last two axes swapped.

    Raises: ShapeError where x has fewer than two axes.
    Source: array API 2024.12, matrix_transpose.
    """
    return swapaxes(x, axis1=-2, axis2=-1)


def _moved(ndim: int, source: int | tuple[int, ...], destination: int | tuple[int, ...]) -> tuple[int, ...]:
    """The order of axes in which those of `source` stand at `destination`, the others as before."""
    leaving = normalize_axes("moveaxis", source, ndim, argument="source")
    arriving = normalize_axes("moveaxis", destination, ndim, argument="destination")
    if len(leaving) != len(arriving):
        raise ShapeError(
            "moveaxis: source and destination differ in length", expected=f"{len(leaving)} axes", got=repr(destination)
        )
    order = [axis for axis in range(ndim) if axis not in leaving]
    for place, axis in sorted(zip(arriving, leaving, strict=True)):
        order.insert(place, axis)
    return tuple(order)


def _infer_moveaxis(
    x: TensorMeta, /, *, source: int | tuple[int, ...], destination: int | tuple[int, ...]
) -> TensorMeta:
    return TensorMeta(tuple(x.shape[axis] for axis in _moved(x.ndim, source, destination)), x.dtype, x.device)


@composite(version=1, infer=_infer_moveaxis)
def moveaxis(x: AnyDType, /, *, source: int | tuple[int, ...], destination: int | tuple[int, ...]) -> AnyDType:
    """x with the axes `source` moved to the positions `destination`; the others keep their order.

    Source: array API 2024.12, moveaxis.
    """
    return permute_dims(x, axes=_moved(len(x.shape), source, destination))


def _swapped(ndim: int, axis1: int, axis2: int) -> tuple[int, ...]:
    first = normalize_axis("swapaxes", axis1, ndim, argument="axis1")
    second = normalize_axis("swapaxes", axis2, ndim, argument="axis2")
    order = list(range(ndim))
    order[first], order[second] = second, first
    return tuple(order)


def _infer_swapaxes(x: TensorMeta, /, *, axis1: int, axis2: int) -> TensorMeta:
    return TensorMeta(tuple(x.shape[axis] for axis in _swapped(x.ndim, axis1, axis2)), x.dtype, x.device)


@composite(version=1, infer=_infer_swapaxes)
def swapaxes(x: AnyDType, /, *, axis1: int, axis2: int) -> AnyDType:
    """x with two axes interchanged.

    Source: NumPy, swapaxes.
    """
    return permute_dims(x, axes=_swapped(len(x.shape), axis1, axis2))


# ---------------------------------------------------------------------- order along an axis


def _infer_flip(x: TensorMeta, /, *, axis: int | tuple[int, ...] | None) -> TensorMeta:
    normalize_axes("flip", axis, x.ndim)
    return x


@composite(version=1, infer=_infer_flip)
def flip(x: AnyDType, /, *, axis: int | tuple[int, ...] | None = None) -> AnyDType:
    """x with the order along the given axes reversed; None: along all.

    Source: array API 2024.12, flip.
    """
    ndim = len(x.shape)
    reversed_axes = normalize_axes("flip", axis, ndim)
    strides = tuple(-1 if place in reversed_axes else 1 for place in range(ndim))
    return slice(x, starts=(None,) * ndim, stops=(None,) * ndim, strides=strides)


def _shifts(ndim: int, shift: int | tuple[int, ...], axis: int | tuple[int, ...]) -> tuple[tuple[int, int], ...]:
    """(axis, shift) for every axis to be rolled; shifts of an axis that is named twice add up."""
    axes = in_tuple(axis)
    steps = (shift,) * len(axes) if is_whole(shift) else in_tuple(shift)
    if len(steps) != len(axes):
        raise AttributeValueError("roll: shift and axis differ in length", expected=repr(axes), got=repr(shift))
    totals: dict[int, int] = {}
    for step, place in zip(steps, axes, strict=True):
        place = normalize_axis("roll", place, ndim)
        totals[place] = totals.get(place, 0) + whole("roll", "shift", step)
    return tuple(totals.items())


def _infer_roll(x: TensorMeta, /, *, shift: int | tuple[int, ...], axis: int | tuple[int, ...] | None) -> TensorMeta:
    if axis is None:
        whole("roll", "shift", shift)
    else:
        _shifts(x.ndim, shift, axis)
    return x


@composite(version=1, infer=_infer_roll)
def roll(x: AnyDType, /, *, shift: int | tuple[int, ...], axis: int | tuple[int, ...] | None = None) -> AnyDType:
    """x with its elements moved up by `shift` along `axis`, those that pass the end coming in at the start.

    `axis=None` rolls the flattened elements and restores the shape.

    Source: array API 2024.12, roll.
    """
    if axis is None:
        return reshape(roll(reshape(x, shape=(-1,)), shift=shift, axis=0), shape=x.shape) if x.meta.size else x
    for place, step in _shifts(len(x.shape), shift, axis):
        x = _roll_axis(x, step, place)
    return x


def _roll_axis(x: Any, step: int, axis: int) -> Any:
    from .joining import concat

    size = x.shape[axis]
    if size == 0 or step % size == 0:
        return x
    cut = size - step % size
    before, none = (None,) * axis, (None,) * (axis + 1)
    return concat(slice(x, starts=(*before, cut), stops=none), slice(x, starts=none, stops=(*before, cut)), axis=axis)
