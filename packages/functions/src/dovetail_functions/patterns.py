"""Which sizes of a trace's array arguments are known, and how two sets of sizes have one pattern in common."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dovetail_protocols.metas import TensorMeta
from dovetail_protocols.records import replace

from .specs import Shape
from .symbolic import Sizes, hint_of, is_unknown

Pattern = tuple[Shape, ...]
"""One shape for each array argument, None for a size that is unknown."""


def exactly(shapes: Sequence[Sequence[int]]) -> Pattern:
    """The pattern of these shapes alone. Sizes that an outer trace doesn't know stay unknown."""
    return tuple(tuple(None if is_unknown(size) else size for size in shape) for shape in shapes)


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
            elif is_unknown(size) or known != size:
                return None
    return found


def filled(pattern: Pattern, sizes: Sequence[int]) -> list[Shape]:
    """The shapes of a pattern with its unknown sizes put in."""
    given = iter(sizes)
    return [tuple(next(given) if size is None else size for size in shape) for shape in pattern]


def symbolic_metas(pattern: Pattern, metas: Sequence[TensorMeta], sizes: Sizes) -> list[TensorMeta]:
    """The metas with a Dim in place of each unknown size."""
    places = iter(range(unknown_count(pattern)))
    return [
        replace(meta, shape=tuple(sizes.dim(next(places)) if size is None else size for size in shape))
        for shape, meta in zip(pattern, metas, strict=True)
    ]


def hints(pattern: Pattern, shapes: Sequence[Shape]) -> Iterator[list[int]]:
    """What to take for the unknown sizes while tracing: those of the arguments. Where none are given, distinct primes
    that occur nowhere among the known sizes, so that no size equals another by chance; then, where shapes have to
    agree, one prime for all."""
    given = [
        size
        for wanted, shape in zip(pattern, shapes, strict=True)
        for k, size in zip(wanted, shape, strict=True)
        if k is None
    ]
    known = {size for shape in pattern for size in shape}
    primes = [prime for prime in _primes(5, len(given) + len(known)) if prime not in known]
    yield [prime if size is None else hint_of(size) for prime, size in zip(primes, given, strict=False)]
    if sum(size is None for size in given) > 1:
        yield [primes[0] if size is None else hint_of(size) for size in given]


def _primes(first: int, count: int) -> list[int]:
    found: list[int] = []
    candidate = first
    while len(found) < count:
        if all(candidate % divisor for divisor in range(2, int(candidate**0.5) + 1)):
            found.append(candidate)
        candidate += 1
    return found
