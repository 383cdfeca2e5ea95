"""Slices: contiguous or strided parts of an array, at places known before the call or given by arrays.

Entries of `starts`, `stops` and `strides` mean what they mean in Python's `x[start:stop:stride]`: None is left open,
negative places count from the end, places beyond the ends are clamped.
"""

from __future__ import annotations

from ..errors import AttributeValueError, ShapeError
from ..metas import TensorMeta
from ..operation import composite, primitive
from .sizes import as_shape, whole

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .annotations import AnyDType, Index

    Places = tuple[int | None, ...]
    Entry = tuple[str, int | None, int | None, int | None]


def _place(operation: str, argument: str, place: int | None, size: int, default: int, low: int, high: int) -> int:
    """A start or stop as a position from `low` to `high`: what Python's slice.indices does, in arithmetic that an axis
    of unknown size survives."""
    if place is None:
        return default
    whole(operation, argument, place)
    if place < 0:
        place = place + size
    if place < low:
        return low
    return high if place > high else place


def slice_length(operation: str, size: int, start: int | None, stop: int | None, stride: int | None) -> int:
    """How many elements `start:stop:stride` takes of an axis.

    Raises: AttributeValueError for a stride of 0, or an entry that is no int.
    """
    step = 1 if stride is None else whole(operation, "strides", stride)
    if step == 0:
        raise AttributeValueError(f"{operation}: a stride is 0", expected="a positive or negative int", got=0)
    if start is None and stop is None and (step == 1 or step == -1):
        return size
    if step > 0:
        first = _place(operation, "starts", start, size, 0, 0, size)
        end = _place(operation, "stops", stop, size, size, 0, size)
        return (end - first + step - 1) // step if end > first else 0
    first = _place(operation, "starts", start, size, size - 1, -1, size - 1)
    end = _place(operation, "stops", stop, size, -1, -1, size - 1)
    return (first - end - step - 1) // -step if first > end else 0


def sliced_shape(
    operation: str, shape: tuple[int, ...], starts: Places, stops: Places, strides: Places | None
) -> tuple[int, ...]:
    """The shape of a slice; axes after the given ones are taken whole.

    Raises: ShapeError where more axes are given than there are, AttributeValueError where the lengths differ.
    """
    count = len(starts)
    if len(stops) != count or (strides is not None and len(strides) != count):
        raise AttributeValueError(
            f"{operation}: starts, stops and strides differ in length",
            expected=f"{count} entries each",
            got=f"{len(stops)} stops" + ("" if strides is None else f", {len(strides)} strides"),
        )
    if count > len(shape):
        raise ShapeError(
            f"{operation}: more axes are sliced than there are",
            where=f"{operation}, starts",
            expected=f"at most {len(shape)} entries for shape {shape}",
            got=count,
        )
    steps: Sequence[int | None] = (None,) * count if strides is None else strides
    taken = [
        slice_length(operation, size, *bounds)
        for size, *bounds in zip(shape[:count], starts, stops, steps, strict=True)
    ]
    return (*taken, *shape[count:])


@primitive(version=1)
def slice(x: AnyDType, /, *, starts: Places, stops: Places, strides: Places | None = None) -> AnyDType:
    """x[starts[0]:stops[0]:strides[0], …]; axes after the given ones are taken whole. A view where memory allows.

    Raises: ShapeError for more entries than axes, AttributeValueError for a stride of 0.
    Source: array API 2024.12, Single-axis Indexing and Multi-axis Indexing; out-of-bounds places are clamped.
    """
    return TensorMeta(sliced_shape("slice", x.shape, starts, stops, strides), x.dtype, x.device)


@primitive(version=1)
def scatter_slice(
    updates: AnyDType, /, *, shape: tuple[int, ...], starts: Places, stops: Places, strides: Places | None = None
) -> AnyDType:
    """Zeros of `shape` with `updates` at the slice: the adjoint of `slice`.

    Raises: ShapeError where the updates' shape isn't the slice's.
    """
    wanted = as_shape("scatter_slice", shape)
    expected = sliced_shape("scatter_slice", wanted, starts, stops, strides)
    if updates.shape != expected:
        raise ShapeError(
            "scatter_slice: the updates don't fill the slice",
            where="scatter_slice, operand 'updates'",
            expected=f"{expected}",
            got=f"{updates.shape}",
        )
    return TensorMeta(wanted, updates.dtype, updates.device)


# ---------------------------------------------------------------------- places given by arrays


def _check_starts(operation: str, x: TensorMeta, sizes: tuple[int, ...], starts: tuple[TensorMeta, ...]) -> None:
    if len(sizes) != x.ndim or len(starts) != x.ndim:
        raise ShapeError(
            f"{operation}: x has {x.ndim} axes",
            where=operation,
            expected=f"{x.ndim} starts and {x.ndim} sizes",
            got=f"{len(starts)} starts and {len(sizes)} sizes",
        )
    for axis, start in enumerate(starts):
        if start.ndim != 0:
            raise ShapeError(
                f"{operation}: a start is not 0-d",
                where=f"{operation}, start of axis {axis}",
                expected="()",
                got=start.shape,
            )
    for axis, (size, whole_size) in enumerate(zip(sizes, x.shape, strict=True)):
        if size > whole_size:
            raise ShapeError(
                f"{operation}: the slice is longer than the axis",
                where=f"{operation}, axis {axis}",
                expected=f"at most {whole_size}",
                got=size,
            )


@primitive(version=1)
def dynamic_slice(x: AnyDType, /, *starts: Index, sizes: tuple[int, ...]) -> AnyDType:
    """The part of x of the given sizes that begins at `starts`, one 0-d integer array for each axis.

    A negative start counts from the end; then it is clamped so that the part lies inside x: an out-of-range start
    shifts the part, it never shortens it.

    Raises: ShapeError where counts differ, or a size exceeds its axis.
    Source: JAX, jax.lax.dynamic_slice.
    """
    wanted = as_shape("dynamic_slice", sizes, argument="sizes")
    _check_starts("dynamic_slice", x, wanted, starts)
    return TensorMeta(wanted, x.dtype, x.device)


@primitive(version=1)
def dynamic_update_slice(x: AnyDType, update: AnyDType, /, *starts: Index) -> AnyDType:
    """x with `update` in place of the part that begins at `starts`, clamped as in `dynamic_slice`.

    Raises: ShapeError where counts differ, or the update exceeds an axis.
    Source: JAX, jax.lax.dynamic_update_slice.
    """
    _check_starts("dynamic_update_slice", x, update.shape, starts)
    return x


# ---------------------------------------------------------------------- TensorFlow's strided_slice


KEEP, DROP, NEW = "keep", "drop", "new"


def _read_entries(
    ndim: int, begin: Places, end: Places, strides: Places | None, masks: Mapping[str, int]
) -> list[Entry]:
    """(what becomes of the axis, start, stop, stride) for each entry, an ellipsis written out; NEW takes no axis."""
    steps = (1,) * len(begin) if strides is None else strides
    if len(end) != len(begin) or len(steps) != len(begin):
        raise AttributeValueError(
            "strided_slice: begin, end and strides differ in length",
            expected=f"{len(begin)} entries each",
            got=f"{len(end)} and {len(steps)}",
        )

    def says(mask: str, place: int) -> bool:
        return bool(masks[mask] >> place & 1)

    named = sum(not says("ellipsis_mask", k) and not says("new_axis_mask", k) for k in range(len(begin)))
    entries: list[Entry] = []
    for place, (start, stop, step) in enumerate(zip(begin, end, steps, strict=True)):
        if says("ellipsis_mask", place):
            entries += [(KEEP, None, None, 1)] * (ndim - named)
        elif says("new_axis_mask", place):
            entries.append((NEW, None, None, None))
        elif says("shrink_axis_mask", place):
            first = whole("strided_slice", "begin", start)
            entries.append((DROP, first, None if first == -1 else first + 1, 1))
        else:
            opened = None if says("begin_mask", place) else start, None if says("end_mask", place) else stop
            entries.append((KEEP, *opened, step))
    return entries


def _bounds(entries: Sequence[Entry]) -> tuple[Places, Places, Places]:
    """Starts, stops and strides of the axes of x."""
    taken = [(start, stop, stride) for fate, start, stop, stride in entries if fate != NEW]
    starts, stops, strides = (tuple(bounds[column] for bounds in taken) for column in range(3))
    return starts, stops, strides


def _infer_strided_slice(
    x: TensorMeta, /, *, begin: Places, end: Places, strides: Places | None, **masks: int
) -> TensorMeta:
    entries = _read_entries(x.ndim, begin, end, strides, masks)
    sizes = iter(sliced_shape("strided_slice", x.shape, *_bounds(entries)))
    shape: list[int] = []
    for fate, start, _, _ in entries:
        size = 1 if fate == NEW else next(sizes)
        if fate != DROP:
            shape.append(size)
        elif size != 1:
            raise ShapeError("strided_slice: an index is out of range", where="strided_slice, begin", got=start)
    return TensorMeta((*shape, *sizes), x.dtype, x.device)


@composite(version=1, infer=_infer_strided_slice)
def strided_slice(
    x: AnyDType,
    /,
    *,
    begin: Places,
    end: Places,
    strides: Places | None = None,
    begin_mask: int = 0,
    end_mask: int = 0,
    ellipsis_mask: int = 0,
    new_axis_mask: int = 0,
    shrink_axis_mask: int = 0,
) -> AnyDType:
    """x[begin:end:strides]; bit k of a mask changes what entry k means.

    `begin_mask`, `end_mask`: that end is open. `ellipsis_mask`: the entry stands for all axes not named.
    `new_axis_mask`: it inserts an axis of size 1. `shrink_axis_mask`: it is the single index begin, and its axis is
    dropped.

    Raises: ShapeError for an index out of range or too many entries.
    Source: TensorFlow, tf.strided_slice.
    """
    from .manipulation import reshape

    masks = {
        "begin_mask": begin_mask,
        "end_mask": end_mask,
        "ellipsis_mask": ellipsis_mask,
        "new_axis_mask": new_axis_mask,
        "shrink_axis_mask": shrink_axis_mask,
    }
    result = _infer_strided_slice(x.meta, begin=begin, end=end, strides=strides, **masks)
    starts, stops, steps = _bounds(_read_entries(len(x.shape), begin, end, strides, masks))
    return reshape(slice(x, starts=starts, stops=stops, strides=steps), shape=result.shape)
