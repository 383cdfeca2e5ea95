"""Which sizes of a trace's array arguments are known, and how two sets of sizes have one pattern in common."""

from __future__ import annotations

from collections.abc import Sequence

from dovetail_protocols.metas import TensorMeta

from .specs import Shape
from .symbolic import Dim, Sizes

Pattern = tuple[Shape, ...]
"""One shape for each array argument, None for a size that is unknown."""


def exactly(shapes: Sequence[Sequence[int]]) -> Pattern:
    """The pattern of these shapes alone. Sizes that an outer trace doesn't know stay unknown."""
    return tuple(tuple(None if type(size) is Dim else size for size in shape) for shape in shapes)


def join(first: Pattern, second: Pattern) -> Pattern:
    """The narrowest pattern that takes what two take (of equal ranks)."""
    return tuple(
        tuple(one if one == other else None for one, other in zip(mine, theirs, strict=True))
        for mine, theirs in zip(first, second, strict=True)
    )


def unknown_count(pattern: Pattern) -> int:
    """How many sizes are unknown: the fewer, the more specific."""
    return sum(size is None for shape in pattern for size in shape)


def unknown_sizes(pattern: Pattern, shapes: Sequence[Sequence[int]]) -> list[int] | None:
    """The sizes that stand where the pattern has unknown ones, or None where a known one differs."""
    found: list[int] = []
    for wanted, shape in zip(pattern, shapes, strict=True):
        for known, size in zip(wanted, shape, strict=True):
            if known is None:
                found.append(size)
            elif type(size) is Dim or known != size:
                return None
    return found


def symbolic_metas(pattern: Pattern, metas: Sequence[TensorMeta], sizes: Sizes) -> list[TensorMeta]:
    """The metas with a Dim in place of each unknown size."""
    places = iter(range(unknown_count(pattern)))
    return [
        meta.replace(shape=tuple(sizes.dim(next(places)) if size is None else size for size in shape))
        for shape, meta in zip(pattern, metas, strict=True)
    ]
