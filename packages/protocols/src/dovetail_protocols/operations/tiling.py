"""Larger arrays from smaller ones: repeated, tiled, padded."""

from __future__ import annotations

from ..dtypes import DEFAULT_INDEX
from ..errors import AttributeValueError, ShapeError
from ..metas import UNKNOWN_SIZE, TensorMeta
from ..operation import composite, primitive
from .indexing import take
from .joining import concat
from .manipulation import broadcast_to, expand_dims, flip, reshape
from .shape_rules import normalize_axis
from .sizes import check_number, is_whole, whole
from .slicing import slice

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .annotations import AnyDType, Index

    Padding = int | tuple[int, int] | tuple[tuple[int, int], ...]


def _infer_repeat(x: TensorMeta, /, *, repeats: int, axis: int | None) -> TensorMeta:
    whole("repeat", "repeats", repeats, least=0)
    if axis is None:
        return TensorMeta((x.size * repeats,), x.dtype, x.device)
    place = normalize_axis("repeat", axis, x.ndim)
    return TensorMeta((*x.shape[:place], x.shape[place] * repeats, *x.shape[place + 1 :]), x.dtype, x.device)


@composite(version=1, infer=_infer_repeat)
def repeat(x: AnyDType, /, *, repeats: int, axis: int | None = None) -> AnyDType:
    """Each element of x `repeats` times in a row along `axis`; None: of the flattened x.

    Source: array API 2024.12, repeat with an integer; with an array of integers it is `repeat_each`.
    """
    if axis is None:
        x, axis = reshape(x, shape=(x.meta.size,)), 0
    shape = x.shape
    place = normalize_axis("repeat", axis, len(shape))
    repeated = broadcast_to(expand_dims(x, axis=place + 1), shape=(*shape[: place + 1], repeats, *shape[place + 1 :]))
    return reshape(repeated, shape=(*shape[:place], shape[place] * repeats, *shape[place + 1 :]))


@primitive(version=1, data_dependent=True)
def repeat_indices(repeats: Index, /) -> Index:
    """The position k repeated `repeats[k]` times, for all positions in order: (2, 0, 1) gives (0, 0, 2).

    repeats: 1-d and not negative. Its sum is the length of the result, so it is evaluated eagerly only.

    Raises: IndexRangeError for a negative count; TraceError in a trace.
    """
    if repeats.ndim != 1:
        raise ShapeError("repeat_indices: repeats is not 1-d", expected="one axis", got=f"{repeats}")
    return TensorMeta((UNKNOWN_SIZE,), DEFAULT_INDEX, repeats.device)


def _infer_repeat_each(x: TensorMeta, repeats: TensorMeta, /, *, axis: int | None) -> TensorMeta:
    length = x.size if axis is None else x.shape[normalize_axis("repeat_each", axis, x.ndim)]
    if repeats.ndim != 1 or repeats.shape[0] not in (1, length):
        raise ShapeError(
            "repeat_each: repeats doesn't fit the axis",
            where="repeat_each, operand 'repeats'",
            expected=f"({length},), or (1,) for all",
            got=f"{repeats.shape}",
        )
    if axis is None:
        return TensorMeta((UNKNOWN_SIZE,), x.dtype, x.device)
    place = normalize_axis("repeat_each", axis, x.ndim)
    return TensorMeta((*x.shape[:place], UNKNOWN_SIZE, *x.shape[place + 1 :]), x.dtype, x.device)


@composite(version=1, infer=_infer_repeat_each, data_dependent=True)
def repeat_each(x: AnyDType, repeats: Index, /, *, axis: int | None = None) -> AnyDType:
    """Element k of x along `axis` (None: of the flattened x) `repeats[k]` times in a row.

    The sum of repeats is a size of the result, so it is evaluated eagerly only.

    Raises: ShapeError where the lengths differ; IndexRangeError for a negative count; TraceError in a trace.
    Source: array API 2024.12, repeat with an array of integers.
    """
    if axis is None:
        x, axis = reshape(x, shape=(-1,)), 0
    length = x.shape[axis]
    return take(x, repeat_indices(broadcast_to(repeats, shape=(length,))), axis=axis)


def _infer_tile(x: TensorMeta, /, *, repetitions: tuple[int, ...]) -> TensorMeta:
    counts = tuple(whole("tile", "repetitions", count, least=0) for count in repetitions)
    rank = max(x.ndim, len(counts))
    sizes = (1,) * (rank - x.ndim) + x.shape
    counts = (1,) * (rank - len(counts)) + counts
    return TensorMeta(tuple(s * c for s, c in zip(sizes, counts, strict=True)), x.dtype, x.device)


@composite(version=1, infer=_infer_tile)
def tile(x: AnyDType, /, *, repetitions: tuple[int, ...]) -> AnyDType:
    """x laid side by side `repetitions[k]` times along each axis k; the shorter of shape and repetitions is filled up
    with ones on the left.

    Source: array API 2024.12, tile.
    """
    rank = max(len(x.shape), len(repetitions))
    sizes = (1,) * (rank - len(x.shape)) + tuple(x.shape)
    counts = (1,) * (rank - len(repetitions)) + tuple(repetitions)
    single = tuple(entry for size in sizes for entry in (1, size))
    full = tuple(entry for count, size in zip(counts, sizes, strict=True) for entry in (count, size))
    shape = tuple(count * size for count, size in zip(counts, sizes, strict=True))
    return reshape(broadcast_to(reshape(x, shape=single), shape=full), shape=shape)


# ---------------------------------------------------------------------- padding

MODES = ("constant", "edge", "reflect", "symmetric", "wrap")


def padding_pairs(operation: str, padding: Any, ndim: int) -> tuple[tuple[int, int], ...]:
    """(before, after) for each axis: `padding` may be one int, one pair for all axes, or a pair for each."""
    if is_whole(padding):
        pairs: tuple[Any, ...] = ((padding, padding),) * ndim
    elif len(padding) == 2 and all(map(is_whole, padding)):
        pairs = (padding,) * ndim
    else:
        pairs = padding
    if len(pairs) != ndim or not all(isinstance(pair, tuple) and len(pair) == 2 for pair in pairs):
        raise ShapeError(
            f"{operation}: padding doesn't fit {ndim} axes",
            where=f"{operation}, padding",
            expected="an int, a pair (before, after), or a pair for each axis",
            got=repr(padding),
        )
    for before, after in pairs:
        whole(operation, "padding", before, least=0)
        whole(operation, "padding", after, least=0)
    return pairs


def _padded(operation: str, x: TensorMeta, pairs: tuple[tuple[int, int], ...]) -> TensorMeta:
    shape = tuple(before + size + after for size, (before, after) in zip(x.shape, pairs, strict=True))
    return TensorMeta(shape, x.dtype, x.device)


@primitive(version=1)
def pad_constant(x: AnyDType, /, *, padding: Padding, value: complex = 0) -> AnyDType:
    """x with `value` before and after it along each axis; `padding` as in `pad`."""
    check_number("pad_constant", "value", value, x.dtype)
    return _padded("pad_constant", x, padding_pairs("pad_constant", padding, x.ndim))


def _infer_pad(x: TensorMeta, /, *, padding: Padding, mode: str, value: complex) -> TensorMeta:
    if mode not in MODES:
        raise AttributeValueError(
            f"pad: unknown mode {mode!r}", where="pad, mode", expected=", ".join(MODES), got=repr(mode)
        )
    check_number("pad", "value", value, x.dtype)
    pairs = padding_pairs("pad", padding, x.ndim)
    for axis, (size, pair) in enumerate(zip(x.shape, pairs, strict=True)):
        limit = _longest(mode, size)
        if limit is not None and max(pair) > limit:
            raise ShapeError(
                f"pad: the axis is too short for mode {mode!r}",
                where=f"pad, axis {axis}",
                expected=f"at most {limit} for an axis of {size}",
                got=f"{pair}",
            )
    return _padded("pad", x, pairs)


def _longest(mode: str, size: int) -> int | None:
    """How far an axis may be padded in a mode; None: without end."""
    if mode == "constant":
        return None
    if mode == "edge":
        return None if size > 0 else 0
    return max(size - 1, 0) if mode == "reflect" else size


@composite(version=1, infer=_infer_pad)
def pad(x: AnyDType, /, *, padding: Padding, mode: str = "constant", value: complex = 0) -> AnyDType:
    """x made larger before and after along each axis.

    `padding`: a pair (before, after) for each axis; one pair, or one int, stands for all. What is added, for an axis
    a b c: "constant": `value`; "edge": a a | a b c | c c; "reflect": c b | a b c | b a; "symmetric":
    b a | a b c | c b; "wrap": b c | a b c | a b.

    Raises: ShapeError where padding doesn't fit the axes, or an axis is too short to be reflected or wrapped.
    Source: NumPy, pad; TensorFlow's modes CONSTANT, REFLECT and SYMMETRIC.
    """
    pairs = padding_pairs("pad", padding, len(x.shape))
    if mode == "constant":
        return pad_constant(x, padding=pairs, value=value)
    for axis, (before, after) in enumerate(pairs):
        if before or after:
            x = concat(*_parts(x, axis, before, after, mode), axis=axis)
    return x


def _parts(x: Any, axis: int, before: int, after: int, mode: str) -> list[Any]:
    """What `concat` joins to pad one axis: added elements, x, added elements."""
    size = x.shape[axis]
    if mode == "edge":
        ends = _repeated_end(x, axis, 0, before), _repeated_end(x, axis, size - 1, after)
    elif mode == "wrap":
        ends = _part(x, axis, size - before, size), _part(x, axis, 0, after)
    else:
        shared = 1 if mode == "reflect" else 0  # whether the end itself is left out of its mirror image
        ends = (
            flip(_part(x, axis, shared, before + shared), axis=axis),
            flip(_part(x, axis, size - after - shared, size - shared), axis=axis),
        )
    return [ends[0], x, ends[1]]


def _part(x: Any, axis: int, start: int, stop: int) -> Any:
    none = (None,) * axis
    return slice(x, starts=(*none, start), stops=(*none, stop))


def _repeated_end(x: Any, axis: int, place: int, count: int) -> Any:
    end = _part(x, axis, place, place + 1)
    return broadcast_to(end, shape=(*x.shape[:axis], count, *x.shape[axis + 1 :]))
