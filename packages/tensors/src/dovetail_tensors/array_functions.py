"""Functions of the array API whose arguments differ from the operations': attributes by position, sequences of arrays,
`dtype=`. All others of the namespace are the operations themselves.

Source: array API 2024.12.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from dovetail_protocols import dtypes as dt
from dovetail_protocols import operations as ops
from dovetail_protocols.errors import DTypeError

from .array_methods import Axis, accumulating
from .conversion import convert
from .creation import DTypeName, as_shape
from .tensor import Tensor

Axes = int | Sequence[int] | None


def _axes(axis: Any) -> Axis:
    return tuple(axis) if isinstance(axis, list) else axis


# ---------------------------------------------------------------------- shapes


def reshape(x: Any, /, shape: Any, *, copy: bool | None = None) -> Tensor:
    """The same elements in row-major order in another shape; one size may be -1."""
    return ops.reshape(x, shape=as_shape(shape), copy=copy)


def broadcast_to(x: Any, /, shape: Any) -> Tensor:
    """x repeated along new axes and those of size 1, to fill a shape."""
    return ops.broadcast_to(x, shape=as_shape(shape))


def broadcast_arrays(*arrays: Any) -> list[Tensor]:
    """The arrays, each repeated along axes so that all have one shape."""
    return list(ops.broadcast_arrays(*arrays))


def expand_dims(x: Any, /, axis: Any = 0) -> Tensor:
    """x with an axis of size 1 put in."""
    return ops.expand_dims(x, axis=_axes(axis))


def squeeze(x: Any, /, axis: Axes = None) -> Tensor:
    """x without the given axes of size 1, or all such."""
    return ops.squeeze(x, axis=_axes(axis))


def permute_dims(x: Any, /, axes: Sequence[int]) -> Tensor:
    """The axes in another order."""
    return ops.permute_dims(x, axes=as_shape(axes))


def moveaxis(x: Any, source: Any, destination: Any, /) -> Tensor:
    """x with some axes elsewhere, the others in their order."""
    return ops.moveaxis(x, source=_axes(source), destination=_axes(destination))


def flip(x: Any, /, axis: Axes = None) -> Tensor:
    """The elements in reverse order along some axes, or all."""
    return ops.flip(x, axis=_axes(axis))


def roll(x: Any, /, shift: Any, axis: Axes = None) -> Tensor:
    """The elements moved along axes; those that leave come in at the other end."""
    return ops.roll(x, shift=_axes(shift), axis=_axes(axis))


def concat(arrays: Sequence[Any], /, axis: int | None = 0) -> Tensor:
    """The arrays one after the other along an axis; flattened first where `axis` is None."""
    if axis is None:
        return ops.concat(*(ops.reshape(array, shape=(-1,)) for array in arrays), axis=0)
    return ops.concat(*arrays, axis=axis)


def stack(arrays: Sequence[Any], /, axis: int = 0) -> Tensor:
    """The arrays side by side along a new axis."""
    return ops.stack(*arrays, axis=axis)


def unstack(x: Any, /, axis: int = 0) -> tuple[Tensor, ...]:
    """The parts of x along an axis, without that axis."""
    return ops.unstack(x, axis=axis)


def repeat(x: Any, repeats: Any, /, axis: int | None = None) -> Tensor:
    """Each element several times in a row: equally often for an int, else as an array of counts says."""
    if isinstance(repeats, int):
        return ops.repeat(x, repeats=repeats, axis=axis)
    counts = convert(repeats)
    if counts.size == 1:
        return ops.repeat(x, repeats=int(counts.item()), axis=axis)
    return ops.repeat_each(x, counts, axis=axis)


def tile(x: Any, repetitions: Any, /) -> Tensor:
    """x several times along each axis."""
    return ops.tile(x, repetitions=as_shape(repetitions))


# ---------------------------------------------------------------------- elements


def clip(x: Any, /, min: Any = None, max: Any = None) -> Tensor:
    """Each element, but not below `min` nor above `max`; x keeps its dtype."""
    x = convert(x)
    bounds = [None if bound is None else _in_dtype(bound, x.dtype) for bound in (min, max)]
    return ops.clip(x, *bounds)


def _in_dtype(bound: Any, dtype: dt.DType) -> Any:
    return bound if isinstance(bound, (int, float)) else ops.cast(bound, dtype=dtype)


def take(x: Any, indices: Any, /, axis: int | None = None) -> Tensor:
    """The elements at some places of an axis."""
    return ops.take(x, indices, axis=axis)


def take_along_axis(x: Any, indices: Any, /, axis: int = -1) -> Tensor:
    """For each line along an axis the elements at places of its own."""
    return ops.take_along_axis(x, indices, axis=axis)


def searchsorted(x1: Any, x2: Any, /, *, side: str = "left", sorter: Any = None) -> Tensor:
    """For each element of x2 the place in the ascending x1 at which it would be inserted."""
    x1, x2 = _promoted(x1, x2)
    return ops.searchsorted(x1, x2, sorter, side=side)


def _promoted(*values: Any) -> tuple[Tensor, ...]:
    tensors = [convert(value) for value in values]
    common = tensors[0].dtype
    for tensor in tensors[1:]:
        common = dt.promote(common, tensor.dtype)
    return tuple(ops.cast(tensor, dtype=common) for tensor in tensors)


def diff(x: Any, /, axis: int = -1, n: int = 1, prepend: Any = None, append: Any = None) -> Tensor:
    """The differences of neighbours along an axis, taken n times."""
    return ops.diff(x, prepend, append, axis=axis, n=n)


# ---------------------------------------------------------------------- reductions


def sum(x: Any, /, axis: Axes = None, dtype: DTypeName = None, keepdims: bool = False) -> Tensor:
    """The sum over some axes, or all; integers narrower than the default one are summed in that."""
    return ops.sum(accumulating(convert(x), dtype), axis=_axes(axis), keepdims=keepdims)


def prod(x: Any, /, axis: Axes = None, dtype: DTypeName = None, keepdims: bool = False) -> Tensor:
    """The product over some axes, or all; integers narrower than the default one are multiplied in that."""
    return ops.prod(accumulating(convert(x), dtype), axis=_axes(axis), keepdims=keepdims)


def cumulative_sum(
    x: Any, /, axis: int | None = None, dtype: DTypeName = None, include_initial: bool = False
) -> Tensor:
    """The sums of the first elements along an axis."""
    return ops.cumulative_sum(accumulating(convert(x), dtype), axis=axis, include_initial=include_initial)


def cumulative_prod(
    x: Any, /, axis: int | None = None, dtype: DTypeName = None, include_initial: bool = False
) -> Tensor:
    """The products of the first elements along an axis."""
    return ops.cumulative_prod(accumulating(convert(x), dtype), axis=axis, include_initial=include_initial)


def _reduction(operation: Any) -> Any:
    def reduce(x: Any, /, axis: Axes = None, keepdims: bool = False) -> Tensor:
        return operation(x, axis=_axes(axis), keepdims=keepdims)

    reduce.__name__ = reduce.__qualname__ = operation.short_name
    reduce.__doc__ = operation.__doc__
    return reduce


all = _reduction(ops.all)
any = _reduction(ops.any)
argmax = _reduction(ops.argmax)
argmin = _reduction(ops.argmin)
count_nonzero = _reduction(ops.count_nonzero)
logsumexp = _reduction(ops.logsumexp)
max = _reduction(ops.max)
mean = _reduction(ops.mean)
min = _reduction(ops.min)


def var(x: Any, /, axis: Axes = None, correction: float = 0.0, keepdims: bool = False) -> Tensor:
    """The variance over some axes, or all: squared distances from the mean, divided by count - `correction`."""
    return ops.var(x, axis=_axes(axis), correction=float(correction), keepdims=keepdims)


def std(x: Any, /, axis: Axes = None, correction: float = 0.0, keepdims: bool = False) -> Tensor:
    """The square root of the variance."""
    return ops.std(x, axis=_axes(axis), correction=float(correction), keepdims=keepdims)


# ---------------------------------------------------------------------- products, sets


def tensordot(x1: Any, x2: Any, /, axes: Any = 2) -> Tensor:
    """The sum of products over pairs of axes: the last and first few, or two sequences of axes."""
    return ops.tensordot(x1, x2, axes=axes if isinstance(axes, int) else tuple(map(tuple, axes)))


def einsum(subscripts: str, *operands: Any) -> Tensor:
    """The sum of products that subscripts spell out, such as "ij,jk->ik"."""
    return ops.einsum(*operands, subscripts=subscripts)


class UniqueAll(NamedTuple):
    """What `unique_all` gives."""

    values: Tensor
    indices: Tensor
    inverse_indices: Tensor
    counts: Tensor


class UniqueCounts(NamedTuple):
    """What `unique_counts` gives."""

    values: Tensor
    counts: Tensor


class UniqueInverse(NamedTuple):
    """What `unique_inverse` gives."""

    values: Tensor
    inverse_indices: Tensor


def unique_all(x: Any, /) -> UniqueAll:
    """The distinct elements, where each comes first, the place of every element among them, and their counts."""
    return UniqueAll(*ops.unique_all(x))


def unique_counts(x: Any, /) -> UniqueCounts:
    """The distinct elements, and how often each comes."""
    return UniqueCounts(*ops.unique_counts(x))


def unique_inverse(x: Any, /) -> UniqueInverse:
    """The distinct elements, and the place of every element among them."""
    return UniqueInverse(*ops.unique_inverse(x))


def where(condition: Any, x1: Any = None, x2: Any = None, /) -> Tensor:
    """x1 where the condition holds, else x2. With the condition alone, the places where it holds: (count, axes).

    Raises: DTypeError where only one of x1 and x2 is given.
    """
    if x1 is None and x2 is None:
        return ops.stack(*ops.nonzero(condition), axis=-1)
    if x1 is None or x2 is None:
        raise DTypeError("where: give both x1 and x2, or neither", where="where", got="one of them is None")
    return ops.where(condition, x1, x2)
