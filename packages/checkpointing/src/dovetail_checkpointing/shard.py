"""Shard: a leaf of a tree that stands for a part of a tensor, the part that one process or thread has."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, final

from dovetail_protocols.errors import IndexRangeError, ShapeError

from .slicing import Range, ranges
from .tensor_bytes import meta_of

Sharding = Callable[[str, tuple[int, ...]], Sequence[slice] | None]
"""From the name and shape of a tensor in a checkpoint to the part of it that is wanted; None for all of it."""


@final
class Shard:
    """The part of a tensor that this rank has.

    `value`: an array or variable; `starts`: where it begins in the whole, on each axis; `shape`: that of the whole. By
    default it is the whole tensor: so say ranks that have a tensor which others lack.

    Raises: ShapeError where the part is not inside of the whole.
    """

    __slots__ = ("shape", "starts", "value")

    def __init__(self, value: Any, starts: Sequence[int] | None = None, shape: Sequence[int] | None = None) -> None:
        sizes = meta_of(value).shape
        self.value = value
        self.starts = (0,) * len(sizes) if starts is None else tuple(int(start) for start in starts)
        self.shape = sizes if shape is None else tuple(int(size) for size in shape)
        if not len(sizes) == len(self.starts) == len(self.shape) or not all(
            0 <= start <= start + size <= whole
            for start, size, whole in zip(self.starts, sizes, self.shape, strict=True)
        ):
            raise ShapeError(
                "a shard is not inside of its tensor",
                where="Shard(value, starts, shape)",
                expected="0 <= starts and starts + value.shape <= shape, on each axis",
                got=f"a value of shape {sizes}, starts {self.starts}, shape {self.shape}",
            )

    @property
    def sizes(self) -> tuple[int, ...]:
        """The shape of the part."""
        return meta_of(self.value).shape

    @property
    def slices(self) -> tuple[slice, ...]:
        """Where the part is in the whole: `whole[shard.slices]`."""
        return tuple(slice(start, start + size) for start, size in zip(self.starts, self.sizes, strict=True))

    def __repr__(self) -> str:
        where = ", ".join(f"{start}:{start + size}" for start, size in zip(self.starts, self.sizes, strict=True))
        return f"<shard [{where}] of {self.shape}>"


SaveSharding = Callable[[str, Any], Shard | None]
"""From the name and value of a leaf to the part of a tensor that it is; None for one that is the same on every rank."""


def even_slices(shape: Sequence[int], axis: int, rank: int, world_size: int) -> tuple[slice, ...]:
    """The part of rank number `rank` where an axis is cut into `world_size` parts, the first ones larger by one if it
    does not come out even."""
    each, rest = divmod(shape[axis], world_size)
    start = rank * each + min(rank, rest)
    slices = [slice(0, size) for size in shape]
    slices[axis] = slice(start, start + each + (rank < rest))
    return tuple(slices)


def region_of(slices: Sequence[slice], shape: tuple[int, ...], name: str) -> tuple[Range, ...]:
    """The part of a tensor that slices say.

    Raises: IndexRangeError for integers, steps, or more slices than axes.
    """
    found, kept = ranges(tuple(slices), shape, name)
    if len(kept) != len(shape) or any(one.step != 1 for one in found):
        raise IndexRangeError(
            "this is no part of a tensor that a rank can have",
            where=name,
            expected="slices without steps, one for each axis at most",
            got=tuple(slices),
        )
    return found
