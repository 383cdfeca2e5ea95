"""Several arrays to one, and one to several."""

from __future__ import annotations

from ..errors import AttributeValueError, ShapeError
from ..metas import TensorMeta
from ..operation import composite, primitive
from .manipulation import expand_dims, squeeze
from .shape_rules import normalize_axis
from .sizes import in_tuple, is_whole, whole
from .slicing import slice

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .annotations import AnyDType


def _refuse_none(operation: str, arrays: tuple[TensorMeta, ...]) -> None:
    if not arrays:
        raise ShapeError(f"{operation}: no arrays are given", expected="at least one", got="none")


@primitive(version=1)
def concat(*arrays: AnyDType, axis: int | None = 0) -> AnyDType:
    """The arrays one after the other along `axis`; None: their flattened elements.

    Raises: ShapeError where ranks, or sizes of other axes, differ; DTypeError where the dtypes don't promote.
    Source: array API 2024.12, concat.
    """
    _refuse_none("concat", arrays)
    first = arrays[0]
    if axis is None:
        total = first.size
        for array in arrays[1:]:
            total = total + array.size
        return TensorMeta((total,), first.dtype, first.device)
    place = normalize_axis("concat", axis, first.ndim)
    length = first.shape[place]
    for number, array in enumerate(arrays[1:], 1):
        _check_beside("concat", first.shape, array.shape, place, number)
        length = length + array.shape[place]
    return TensorMeta((*first.shape[:place], length, *first.shape[place + 1 :]), first.dtype, first.device)


def _check_beside(operation: str, first: tuple[int, ...], other: tuple[int, ...], axis: int, number: int) -> None:
    if len(other) != len(first):
        raise ShapeError(
            f"{operation}: the arrays differ in rank",
            where=f"{operation}, array {number}",
            expected=f"{len(first)} axes, as array 0 {first}",
            got=f"{other}",
        )
    for place, (size, wanted) in enumerate(zip(other, first, strict=True)):
        if place != axis and size != wanted:
            raise ShapeError(
                f"{operation}: shapes differ outside of the axis joined",
                where=f"{operation}, array {number}, axis {place}",
                expected=f"{wanted}, as array 0 {first}",
                got=f"{size}, from {other}",
            )


def _infer_stack(*arrays: TensorMeta, axis: int) -> TensorMeta:
    _refuse_none("stack", arrays)
    first = arrays[0]
    place = normalize_axis("stack", axis, first.ndim + 1)
    for number, array in enumerate(arrays[1:], 1):
        _check_beside("stack", first.shape, array.shape, -1, number)
    return TensorMeta((*first.shape[:place], len(arrays), *first.shape[place:]), first.dtype, first.device)


@composite(version=1, infer=_infer_stack)
def stack(*arrays: AnyDType, axis: int = 0) -> AnyDType:
    """The arrays, all of one shape, side by side along a new axis at position `axis` of the result.

    Raises: ShapeError where shapes differ.
    Source: array API 2024.12, stack.
    """
    place = normalize_axis("stack", axis, len(arrays[0].shape) + 1)
    return concat(*(expand_dims(array, axis=place) for array in arrays), axis=place)


def _infer_unstack(x: TensorMeta, /, *, axis: int) -> tuple[TensorMeta, ...]:
    place = normalize_axis("unstack", axis, x.ndim)
    part = TensorMeta((*x.shape[:place], *x.shape[place + 1 :]), x.dtype, x.device)
    return (part,) * x.shape[place]


@composite(version=1, infer=_infer_unstack)
def unstack(x: AnyDType, /, *, axis: int = 0) -> tuple[AnyDType, ...]:
    """The elements of x along `axis`, each without that axis, as a tuple.

    Source: array API 2024.12, unstack.
    """
    place = normalize_axis("unstack", axis, len(x.shape))
    return tuple(squeeze(_part(x, place, index, index + 1), axis=place) for index in range(x.shape[place]))


def _part(x: Any, axis: int, start: int, stop: int) -> Any:
    before = (None,) * axis
    return slice(x, starts=(*before, start), stops=(*before, stop))


def _section_sizes(length: int, sections: int | tuple[int, ...]) -> tuple[int, ...]:
    if is_whole(sections):
        count = whole("split", "sections", sections, least=1)
        if length % count != 0:
            raise ShapeError(
                f"split: an axis of {length} does not divide into {count} equal parts",
                where="split, sections",
                expected=f"a divisor of {length}, or the sizes of the parts",
                got=count,
            )
        return (length // count,) * count
    parts = in_tuple(sections)
    open_places = [place for place, size in enumerate(parts) if size == -1]
    total = 0
    for place, size in enumerate(parts):
        if place not in open_places:
            total = total + whole("split", "sections", size, least=0)
    if len(open_places) > 1:
        raise AttributeValueError("split: several sizes are left open", expected="at most one -1", got=repr(sections))
    if total > length or (not open_places and total != length):
        raise ShapeError(
            f"split: the sizes do not add up to the axis of {length}",
            where="split, sections",
            expected=length,
            got=total,
        )
    return tuple(length - total if size == -1 else size for size in parts)


def _infer_split(x: TensorMeta, /, *, sections: int | tuple[int, ...], axis: int) -> tuple[TensorMeta, ...]:
    place = normalize_axis("split", axis, x.ndim)
    before, after = x.shape[:place], x.shape[place + 1 :]
    return tuple(
        TensorMeta((*before, size, *after), x.dtype, x.device) for size in _section_sizes(x.shape[place], sections)
    )


@composite(version=1, infer=_infer_split)
def split(x: AnyDType, /, *, sections: int | tuple[int, ...], axis: int = 0) -> tuple[AnyDType, ...]:
    """Parts of x along `axis`, as a tuple: so many equal ones, or ones of the given sizes, of which one may be -1.

    Raises: ShapeError where the axis doesn't divide so.
    Source: TensorFlow, tf.split.
    """
    place = normalize_axis("split", axis, len(x.shape))
    parts = []
    start = 0
    for size in _section_sizes(x.shape[place], sections):
        parts.append(_part(x, place, start, start + size))
        start = start + size
    return tuple(parts)
