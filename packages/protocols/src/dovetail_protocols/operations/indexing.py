"""Elements at places that arrays of integers or booleans give: gathered, scattered, chosen.

Negative indices count from the end. Eager evaluation on the CPU raises IndexRangeError for an index out of range;
what a compiled graph does with one is up to its compiler.
"""

from __future__ import annotations

from ..dtypes import DEFAULT_INDEX, bool_, float32
from ..dtypes import dtype as find_dtype
from ..errors import AttributeValueError, ShapeError
from ..metas import UNKNOWN_SIZE, TensorMeta
from ..operation import composite, primitive
from .manipulation import expand_dims, reshape
from .shape_rules import broadcast_shapes, normalize_axis
from .sizes import as_shape, check_number, whole

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..dtypes import DType
    from .annotations import AnyDType, Boolean, EachDType, Index, Numeric, RealOrBoolean

SCATTER_MODES = ("update", "add", "subtract", "min", "max")


@primitive(version=1)
def where(condition: Boolean, x1: AnyDType, x2: AnyDType, /) -> AnyDType:
    """x1 where the condition holds, else x2, element by element; all three broadcast.

    Source: array API 2024.12, where.
    """
    return TensorMeta(broadcast_shapes("where", condition.shape, x1.shape, x2.shape), x1.dtype, x1.device)


@primitive(version=1)
def take(x: AnyDType, indices: Index, /, *, axis: int | None = None) -> AnyDType:
    """The elements of x at `indices` along `axis`, whose place the axes of the indices take.

    x: (…before, axis, after…), indices: any shape; result: (…before, indices…, after…). `axis` may be left out where x
    has one axis only.

    Raises: ShapeError; IndexRangeError for an index out of range, where values are looked at.
    Source: array API 2024.12, take; indices of other ranks as in NumPy.
    """
    place = _only_axis("take", x) if axis is None else normalize_axis("take", axis, x.ndim)
    return TensorMeta((*x.shape[:place], *indices.shape, *x.shape[place + 1 :]), x.dtype, x.device)


def _only_axis(operation: str, x: TensorMeta) -> int:
    if x.ndim != 1:
        raise ShapeError(
            f"{operation}: axis is left out", where=f"{operation}, axis", expected="an axis of x", got=f"{x}"
        )
    return 0


def _aligned(operation: str, x: TensorMeta, indices: TensorMeta, axis: int) -> int:
    """The axis, after a check that x and indices have equally many axes, and broadcast along the others."""
    place = normalize_axis(operation, axis, x.ndim)
    if indices.ndim != x.ndim:
        raise ShapeError(
            f"{operation}: x and indices differ in rank",
            where=f"{operation}, operand 'indices'",
            expected=f"{x.ndim} axes, as x {x.shape}",
            got=f"{indices.shape}",
        )
    return place


@primitive(version=1)
def take_along_axis(x: AnyDType, indices: Index, /, *, axis: int = -1) -> AnyDType:
    """result[i, j, k] = x[i, indices[i, j, k], k] for axis 1 of 3: for each line along `axis` its own elements.

    x and indices have equally many axes; those other than `axis` broadcast.

    Raises: ShapeError; IndexRangeError for an index out of range, where values are looked at.
    Source: array API 2024.12, take_along_axis.
    """
    place = _aligned("take_along_axis", x, indices, axis)
    before = broadcast_shapes("take_along_axis", x.shape[:place], indices.shape[:place])
    after = broadcast_shapes("take_along_axis", x.shape[place + 1 :], indices.shape[place + 1 :])
    return TensorMeta((*before, indices.shape[place], *after), x.dtype, x.device)


@primitive(version=1)
def put_along_axis(
    x: AnyDType, indices: Index, values: AnyDType, /, *, axis: int = -1, mode: str = "update"
) -> AnyDType:
    """x with result[i, indices[i, j, k], k] = values[i, j, k] for axis 1 of 3, as a new array.

    indices and values broadcast with x along the axes other than `axis`, and with each other. With repeated indices the
    last value stays; mode "add" adds all of them to x.

    Raises: ShapeError; AttributeValueError for another mode; IndexRangeError where values are looked at.
    Source: NumPy, put_along_axis, which writes in place.
    """
    place = _aligned("put_along_axis", x, indices, axis)
    if mode not in ("update", "add"):
        raise AttributeValueError(f"put_along_axis: unknown mode {mode!r}", expected="update, add", got=repr(mode))
    places = (*x.shape[:place], indices.shape[place], *x.shape[place + 1 :])
    for name, shape in (("indices", indices.shape), ("values", values.shape)):
        if broadcast_shapes("put_along_axis", places, shape) != places:
            raise ShapeError(
                f"put_along_axis: {name} don't broadcast",
                where=f"put_along_axis, operand {name!r}",
                expected=f"{places}",
                got=f"{shape}",
            )
    return x


# ---------------------------------------------------------------------- many axes at once


def _depth(operation: str, indices: TensorMeta, ndim: int) -> int:
    """How many axes the last axis of the indices points into."""
    if indices.ndim == 0 or indices.shape[-1] > ndim:
        raise ShapeError(
            f"{operation}: the last axis of the indices must name axes of the array",
            where=f"{operation}, indices axis -1",
            expected=f"at least one axis, whose last is of size 0 to {ndim}",
            got=f"{indices.shape}",
        )
    return indices.shape[-1]


@primitive(version=1)
def gather_nd(x: AnyDType, indices: Index, /, *, batch_dims: int = 0) -> AnyDType:
    """The slices of x at index vectors: result[p…] = x[indices[p…, 0], indices[p…, 1], …].

    indices: (p…, depth); the first `batch_dims` axes of x and of indices are the same, and each index vector points
    into its own example. Result: (p…, the axes of x that aren't pointed into).

    Raises: ShapeError; IndexRangeError for an index out of range, where values are looked at.
    Source: TensorFlow, tf.gather_nd; ONNX, GatherND.
    """
    whole("gather_nd", "batch_dims", batch_dims, least=0)
    if batch_dims > x.ndim or batch_dims >= max(indices.ndim, 1) or x.shape[:batch_dims] != indices.shape[:batch_dims]:
        raise ShapeError(
            f"gather_nd: the first {batch_dims} axes of x and indices differ",
            where="gather_nd, batch_dims",
            expected="equal sizes, and a further axis of indices",
            got=f"x {x.shape}, indices {indices.shape}",
        )
    depth = _depth("gather_nd", indices, x.ndim - batch_dims)
    return TensorMeta((*indices.shape[:-1], *x.shape[batch_dims + depth :]), x.dtype, x.device)


def _check_updates(operation: str, shape: tuple[int, ...], indices: TensorMeta, updates: TensorMeta) -> None:
    depth = _depth(operation, indices, len(shape))
    expected = (*indices.shape[:-1], *shape[depth:])
    if updates.shape != expected:
        raise ShapeError(
            f"{operation}: the updates don't fit the indices",
            where=f"{operation}, operand 'updates'",
            expected=f"{expected}, for indices {indices.shape} into {shape}",
            got=f"{updates.shape}",
        )


@primitive(version=1)
def scatter_nd(indices: Index, updates: AnyDType, /, *, shape: tuple[int, ...]) -> AnyDType:
    """Zeros of `shape` to which updates[p…] is added at each index vector indices[p…]; repeated ones add up.

    indices: (p…, depth), updates: (p…, shape[depth:]). The adjoint of `gather_nd`. The order of addition is fixed, so
    that the result is the same each time.

    Raises: ShapeError; IndexRangeError for an index out of range, where values are looked at.
    Source: TensorFlow, tf.scatter_nd.
    """
    wanted = as_shape("scatter_nd", shape)
    _check_updates("scatter_nd", wanted, indices, updates)
    return TensorMeta(wanted, updates.dtype, updates.device)


@primitive(version=1)
def scatter(x: AnyDType, indices: Index, updates: AnyDType, /, *, mode: str = "update") -> AnyDType:
    """x with `updates` put in at index vectors, as a new array.

    indices: (p…, depth), updates: (p…, the axes of x that aren't pointed into). `mode` says how an update meets what is
    there: "update" replaces it (with repeated indices the last update stays), "add", "subtract", "min", "max" combine.

    Raises: ShapeError; AttributeValueError for another mode; IndexRangeError where values are looked at.
    Source: ONNX, ScatterND; TensorFlow, tf.tensor_scatter_nd_*.
    """
    if mode not in SCATTER_MODES:
        raise AttributeValueError(
            f"scatter: unknown mode {mode!r}", where="scatter, mode", expected=", ".join(SCATTER_MODES), got=repr(mode)
        )
    if (mode in ("min", "max") and x.dtype.is_complex) or (mode == "subtract" and x.dtype is bool_):
        raise AttributeValueError(f"scatter: {x.dtype} has no {mode}", where="scatter, mode", got=repr(mode))
    _check_updates("scatter", x.shape, indices, updates)
    return x


def _infer_tensor_scatter(x: TensorMeta, indices: TensorMeta, updates: TensorMeta, /) -> TensorMeta:
    _check_updates("tensor_scatter_nd", x.shape, indices, updates)
    return x


@composite(version=1, infer=_infer_tensor_scatter)
def tensor_scatter_nd_update(x: AnyDType, indices: Index, updates: AnyDType, /) -> AnyDType:
    """x with the slices at index vectors replaced. Source: TensorFlow, tf.tensor_scatter_nd_update."""
    return scatter(x, indices, updates, mode="update")


@composite(version=1, infer=_infer_tensor_scatter)
def tensor_scatter_nd_add(x: AnyDType, indices: Index, updates: AnyDType, /) -> AnyDType:
    """x with updates added at index vectors. Source: TensorFlow, tf.tensor_scatter_nd_add."""
    return scatter(x, indices, updates, mode="add")


@composite(version=1, infer=_infer_tensor_scatter)
def tensor_scatter_nd_sub(x: Numeric, indices: Index, updates: Numeric, /) -> Numeric:
    """x with updates subtracted at index vectors. Source: TensorFlow, tf.tensor_scatter_nd_sub."""
    return scatter(x, indices, updates, mode="subtract")


@composite(version=1, infer=_infer_tensor_scatter)
def tensor_scatter_nd_min(x: RealOrBoolean, indices: Index, updates: RealOrBoolean, /) -> RealOrBoolean:
    """The lesser of x and updates at index vectors. Source: TensorFlow, tf.tensor_scatter_nd_min."""
    return scatter(x, indices, updates, mode="min")


@composite(version=1, infer=_infer_tensor_scatter)
def tensor_scatter_nd_max(x: RealOrBoolean, indices: Index, updates: RealOrBoolean, /) -> RealOrBoolean:
    """The greater of x and updates at index vectors. Source: TensorFlow, tf.tensor_scatter_nd_max."""
    return scatter(x, indices, updates, mode="max")


# ---------------------------------------------------------------------- indices from values


def _infer_one_hot(
    indices: TensorMeta, /, *, depth: int, axis: int, on_value: complex, off_value: complex, dtype: DType
) -> TensorMeta:
    place = normalize_axis("one_hot", axis, indices.ndim + 1)
    size = whole("one_hot", "depth", depth, least=0)
    for name, value in (("on_value", on_value), ("off_value", off_value)):
        check_number("one_hot", name, value, find_dtype(dtype))
    shape = (*indices.shape[:place], size, *indices.shape[place:])
    return TensorMeta(shape, find_dtype(dtype), indices.device)


@composite(version=1, infer=_infer_one_hot)
def one_hot(
    indices: Index,
    /,
    *,
    depth: int,
    axis: int = -1,
    on_value: complex = 1,
    off_value: complex = 0,
    dtype: DType = float32,
) -> EachDType:
    """`on_value` where a new axis of size `depth` meets the index, else `off_value`.

    An index outside of 0 to depth - 1, negative ones too, has `off_value` everywhere.

    Source: TensorFlow, tf.one_hot.
    """
    from . import arange, equal, full

    rank = len(indices.shape) + 1
    place = normalize_axis("one_hot", axis, rank)
    wide = indices.dtype if indices.dtype.name == "uint64" else DEFAULT_INDEX
    numbers = arange(start=depth, dtype=wide, device=indices.device)
    line = reshape(numbers, shape=tuple(depth if axis == place else 1 for axis in range(rank)))
    on, off = (full(shape=(), fill_value=v, dtype=dtype, device=indices.device) for v in (on_value, off_value))
    return where(equal(expand_dims(indices, axis=place), line), on, off)


@primitive(version=1, data_dependent=True)
def nonzero(x: AnyDType, /) -> tuple[Index, ...]:
    """The places of the elements of x that aren't zero, in row-major order: one 1-d array of indices for each axis.

    How many there are only the values tell, so it is evaluated eagerly only.

    Raises: ShapeError where x is 0-d; TraceError in a trace.
    Source: array API 2024.12, nonzero.
    """
    if x.ndim == 0:
        raise ShapeError("nonzero: x is 0-d", expected="at least one axis", got=f"{x}", fix="compare it with 0")
    return tuple(TensorMeta((UNKNOWN_SIZE,), DEFAULT_INDEX, x.device) for _ in range(x.ndim))


def _infer_boolean_mask(x: TensorMeta, mask: TensorMeta, /, *, axis: int) -> TensorMeta:
    place = axis if axis == 0 and x.ndim == 0 else normalize_axis("boolean_mask", axis, x.ndim)
    if mask.shape != x.shape[place : place + mask.ndim]:
        raise ShapeError(
            "boolean_mask: the mask doesn't cover the axes of x",
            where=f"boolean_mask, x axes {place} to {place + mask.ndim - 1}",
            expected=f"{x.shape[place : place + mask.ndim]}",
            got=f"{mask.shape}",
        )
    return TensorMeta((*x.shape[:place], UNKNOWN_SIZE, *x.shape[place + mask.ndim :]), x.dtype, x.device)


@composite(version=1, infer=_infer_boolean_mask, data_dependent=True)
def boolean_mask(x: AnyDType, mask: Boolean, /, *, axis: int = 0) -> AnyDType:
    """The elements of x where the mask holds. The mask covers as many axes of x as it has, from `axis` on; they become
    one axis.

    How many there are only the values tell, so it is evaluated eagerly only.

    Raises: ShapeError where the mask's shape isn't that of the axes; TraceError in a trace.
    Source: array API 2024.12, Boolean Array Indexing; TensorFlow, tf.boolean_mask.
    """
    place = axis if axis >= 0 else axis + len(x.shape)
    covered = len(mask.shape)
    merged = (*x.shape[:place], mask.meta.size, *x.shape[place + covered :])
    (chosen,) = nonzero(reshape(mask, shape=(mask.meta.size,)))
    return take(reshape(x, shape=merged), chosen, axis=place)


def _infer_gather(x: TensorMeta, indices: TensorMeta, /, *, axis: int | None, batch_dims: int) -> TensorMeta:
    whole("gather", "batch_dims", batch_dims, least=0)
    if x.shape[:batch_dims] != indices.shape[:batch_dims] or batch_dims > indices.ndim:
        raise ShapeError(
            f"gather: the first {batch_dims} axes of x and indices differ",
            where="gather, batch_dims",
            expected="equal sizes",
            got=f"x {x.shape}, indices {indices.shape}",
        )
    place = normalize_axis("gather", batch_dims if axis is None else axis, x.ndim)
    if place < batch_dims:
        raise ShapeError("gather: axis is among the batch axes", expected=f"at least {batch_dims}", got=axis)
    return TensorMeta((*x.shape[:place], *indices.shape[batch_dims:], *x.shape[place + 1 :]), x.dtype, x.device)


@composite(version=1, infer=_infer_gather)
def gather(x: AnyDType, indices: Index, /, *, axis: int | None = None, batch_dims: int = 0) -> AnyDType:
    """`take` with leading batch axes: each example of x is taken from by its own indices.

    The first `batch_dims` axes of x and indices are the same; `axis` (None: the one after them) is where x is taken
    from, and is replaced by the other axes of the indices.

    Raises: ShapeError; IndexRangeError for an index out of range, where values are looked at.
    Source: TensorFlow, tf.gather.
    """
    place = normalize_axis("gather", batch_dims if axis is None else axis, len(x.shape))
    if batch_dims == 0:
        return take(x, indices, axis=place)
    result = _infer_gather(x.meta, indices.meta, axis=axis, batch_dims=batch_dims)
    batch, between, after = x.shape[:batch_dims], x.shape[batch_dims:place], x.shape[place + 1 :]
    count = 1
    for size in indices.shape[batch_dims:]:
        count = count * size
    lines = reshape(indices, shape=(*batch, *(1 for _ in between), count, *(1 for _ in after)))
    return reshape(take_along_axis(x, lines, axis=place), shape=result.shape)
