"""`x[key]`: NumPy's indexing, expressed in operations, so that tapes and tracers see it.

Slices and ints first cut the array; then ints lose their axes, masks merge theirs, `None` inserts new ones; then arrays
of integers gather. Source: NumPy, Indexing on ndarrays; array API 2024.12, Indexing.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from operator import index as as_int
from types import EllipsisType
from typing import TYPE_CHECKING, Any

import numpy as np

from dovetail_protocols import dtypes as dt
from dovetail_protocols import operations as ops
from dovetail_protocols.dispatch import interpreting
from dovetail_protocols.errors import AttributeValueError, IndexRangeError, ShapeError

if TYPE_CHECKING:
    from .tensor import Tensor

_BASIC = frozenset({int, slice, type(None), EllipsisType})
_WHOLE = slice(None)


def get_item(x: Tensor, key: Any) -> Tensor:
    """The part of a tensor that a key names: ints, slices, None, `...`, masks, arrays of integers, and tuples of them.

    Raises: IndexRangeError for an index out of range, too many or impossible indices; TraceError for a mask whose
    values are not known in a traced function.
    """
    return _Selection(x, key if type(key) is tuple else (key,)).result()


def is_basic(key: Any) -> bool:
    """Whether a key is made of ints, slices, None and `...` alone."""
    return type(key) in _BASIC or (type(key) is tuple and _BASIC.issuperset(map(type, key)))


class _Selection:
    """One key applied to one tensor: what it says of each axis, then the operations that do it.

    `shape` is that of the tensor after slicing, with masked axes merged and new ones inserted; `arrays` are the
    gathered axes in it; `order` says of each entry of the key whether it is an "array", an "axis" or a "gap", which
    decides where gathered axes go.
    """

    def __init__(self, x: Tensor, entries: tuple[Any, ...]) -> None:
        self.x = x
        self.bounds: list[slice] = []
        self.shape: list[int] = []
        self.arrays: list[tuple[int, Tensor]] = []
        self.order: list[str] = []
        for entry in _expanded(x.shape, [_normalized(entry) for entry in entries]):
            self._enter(entry)

    # ------------------------------------------------------------------ reading the key

    def _enter(self, entry: Any) -> None:
        if entry is None:
            self._keep(1)
        elif entry is Ellipsis:
            self.order.append("gap")
        elif isinstance(entry, slice):
            bounds = _plain(entry)
            size = self._axis_size()
            self.bounds.append(bounds)
            self._keep(_length(bounds, size))
        elif isinstance(entry, int) and not isinstance(entry, bool):
            self._drop(entry)
        elif isinstance(entry, bool):
            # A single truth is an axis of its own that is taken once or not at all.
            self._gather(1, _integers([0] if entry else []))
        elif entry.dtype is dt.bool_:
            self._mask(entry)
        else:
            self._gather(self._axis_size(), entry)
            self.bounds.append(_WHOLE)

    def _axis_size(self) -> int:
        return self.x.shape[len(self.bounds)]

    def _keep(self, size: int) -> None:
        self.shape.append(size)
        self.order.append("axis")

    def _gather(self, size: int, places: Tensor) -> None:
        self.arrays.append((len(self.shape), places))
        self.shape.append(size)
        self.order.append("array")

    def _drop(self, place: int) -> None:
        axis, size = len(self.bounds), self._axis_size()
        if not -size <= place < size:
            raise IndexRangeError(
                f"index {place} is out of range for axis {axis} of size {size}",
                where=f"indexing, axis {axis}",
                expected=f"from {-size} to {size - 1}" if size else "no index: the axis is empty",
                got=place,
            )
        self.bounds.append(slice(place, place + 1 if place != -1 else None))
        self.order.append("array")

    def _mask(self, mask: Tensor) -> None:
        axis, shape = len(self.bounds), self.x.shape
        covered = shape[axis : axis + mask.ndim]
        if covered != mask.shape:
            raise IndexRangeError(
                "a mask doesn't cover the axes that it indexes",
                where=f"indexing, axis {axis}",
                expected=f"shape {covered}",
                got=mask.shape,
            )
        self.bounds.extend([_WHOLE] * mask.ndim)
        self._gather(prod(covered), _places(mask))

    # ------------------------------------------------------------------ doing it

    def result(self) -> Tensor:
        cut = self._sliced()
        shape = tuple(self.shape)
        return self._gathered(cut if cut.shape == shape else ops.reshape(cut, shape=shape))

    def _sliced(self) -> Tensor:
        bounds = self.bounds
        while bounds and bounds[-1] == _WHOLE:
            bounds = bounds[:-1]
        if not bounds:
            return self.x
        starts, stops = tuple(b.start for b in bounds), tuple(b.stop for b in bounds)
        strides = None if all(b.step is None for b in bounds) else tuple(b.step for b in bounds)
        return ops.slice(self.x, starts=starts, stops=stops, strides=strides)

    def _gathered(self, cut: Tensor) -> Tensor:
        if not self.arrays:
            return cut
        if len(self.arrays) == 1:
            axis, places = self.arrays[0]
            taken, first, count = ops.take(cut, places, axis=axis), axis, places.ndim
        else:
            taken, first, count = self._gathered_together(cut)
        target = self._target()
        if target == first:
            return taken
        return ops.moveaxis(
            taken, source=tuple(range(first, first + count)), destination=tuple(range(target, target + count))
        )

    def _gathered_together(self, cut: Tensor) -> tuple[Tensor, int, int]:
        """Several arrays of places, broadcast together: their axes come first."""
        axes = tuple(axis for axis, _ in self.arrays)
        others = tuple(axis for axis in range(len(self.shape)) if axis not in axes)
        try:
            together = ops.broadcast_arrays(*(ops.cast(places, dtype=dt.int64) for _, places in self.arrays))
        except ShapeError as error:
            shapes = " and ".join(str(places.shape) for _, places in self.arrays)
            raise IndexRangeError(
                f"arrays of indices with shapes {shapes} do not broadcast", where="indexing", expected=error.expected
            ) from error
        vectors = ops.stack(*together, axis=-1)
        if axes + others != tuple(range(len(self.shape))):
            cut = ops.permute_dims(cut, axes=axes + others)
        return ops.gather_nd(cut, vectors), 0, together[0].ndim

    def _target(self) -> int:
        """Where the gathered axes belong: in place of theirs where these stand side by side in the key, else first."""
        first = self.order.index("array")
        last = len(self.order) - 1 - self.order[::-1].index("array")
        side_by_side = all(kind == "array" for kind in self.order[first : last + 1])
        return self.order[:first].count("axis") if side_by_side else 0


def _normalized(entry: Any) -> Any:
    """An entry as None, `...`, a slice, an int, a bool, or a tensor of integers or bools with axes (0-d if traced)."""
    from .conversion import convert

    if entry is None or entry is Ellipsis or isinstance(entry, (slice, bool, int)):
        return entry
    if isinstance(entry, np.bool_):
        return bool(entry)
    if isinstance(entry, (list, tuple)) and len(entry) == 0:
        return _integers([])
    if isinstance(entry, float):
        raise _no_index(entry)
    array = convert(entry)
    if array.dtype is not dt.bool_ and not array.dtype.is_integer:
        raise _no_index(array.dtype)
    if array.ndim == 0 and array._signature.shape is None:
        return bool(array) if array.dtype is dt.bool_ else int(array)
    return array


def _no_index(got: Any) -> IndexRangeError:
    return IndexRangeError(
        "a tensor is indexed by ints, slices, None, ..., and arrays of integers or bools",
        where="indexing",
        got=got,
        fix="convert it with int(...) or .astype('int32')",
    )


def _expanded(shape: tuple[int, ...], entries: list[Any]) -> Iterator[Any]:
    """The entries with the axes that `...` stands for after it, or at the end without one, so that every axis has its
    entry. NumPy keeps indices apart that have `...` between them, even where it stands for no axis."""
    ellipses = sum(entry is Ellipsis for entry in entries)
    used = sum(_axes_used(entry) for entry in entries)
    if ellipses > 1:
        raise IndexRangeError("an index has more than one ...", where="indexing", expected="at most one")
    if used > len(shape):
        raise IndexRangeError(
            f"too many indices: {used} for {len(shape)} axes",
            where="indexing",
            expected=f"at most {len(shape)}",
            got=used,
        )
    missing = [_WHOLE] * (len(shape) - used)
    for entry in entries:
        yield entry
        if entry is Ellipsis:
            yield from missing
    if not ellipses:
        yield from missing


def _axes_used(entry: Any) -> int:
    if entry is None or entry is Ellipsis or isinstance(entry, bool):
        return 0
    if isinstance(entry, (slice, int)):
        return 1
    return entry.ndim if entry.dtype is dt.bool_ else 1


def _plain(entry: slice) -> slice:
    """A slice of ints and None, from one that may hold tensors and NumPy integers."""
    parts = (entry.start, entry.stop, entry.step)
    try:
        return slice(*(part if part is None or isinstance(part, int) else as_int(part) for part in parts))
    except TypeError as error:
        raise IndexRangeError(
            "a slice takes ints and None", where="indexing", got=repr(entry), cause=str(error)
        ) from error


def _length(bounds: slice, size: int) -> int:
    if bounds == _WHOLE:
        return size
    if bounds.step == 0:
        raise AttributeValueError("a slice has the step 0", where="indexing", expected="another int", got=0)
    from dovetail_protocols.operations.slicing import slice_length

    return slice_length("indexing", size, bounds.start, bounds.stop, bounds.step)


def _integers(values: list[int]) -> Tensor:
    from .conversion import convert

    return convert(values, dt.int64)


def _places(mask: Tensor) -> Tensor:
    """Where a mask holds, as places in its flattened form."""
    if mask._signature.shape is None:
        with interpreting(None):
            return ops.nonzero(ops.reshape(mask, shape=(mask.size,)))[0]
    return ops.nonzero(mask)[0]  # raises: how many there are is not known
