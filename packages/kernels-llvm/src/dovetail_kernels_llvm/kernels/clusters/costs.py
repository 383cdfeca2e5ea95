"""What terms cost: about how many instructions each takes for one vector, and how long a cluster runs."""

from __future__ import annotations

from collections.abc import Iterable
from math import prod

from ...codegen.isa import ISA
from ...codegen.types import COMPUTED, SIZES, size_bytes
from ..cluster import CONSTANT, INDEX, LOAD, Cluster
from .normal import CACHED_BYTES, views_of
from .terms import is_reduction

INSTRUCTIONS = {
    **dict.fromkeys(("add", "subtract", "multiply", "negative", "abs", "square", "astype", "positive", "relu"), 1),
    **dict.fromkeys(("equal", "not_equal", "less", "less_equal", "greater", "greater_equal", "where"), 1),
    **dict.fromkeys(("logical_and", "logical_or", "logical_not", "logical_xor"), 1),
    **dict.fromkeys(("bitwise_and", "bitwise_or", "bitwise_xor", "bitwise_invert"), 1),
    **dict.fromkeys(("maximum", "minimum", "sign", "clip", "floor", "ceil", "round", "trunc"), 3),
    **dict.fromkeys(("divide", "sqrt", "reciprocal"), 8),
    **dict.fromkeys(("rsqrt", "floor_divide", "remainder", "hypot"), 16),
    **dict.fromkeys(("exp", "exp2"), 16),
    **dict.fromkeys(("expm1", "log", "log2", "log10", "sigmoid", "silu"), 24),
    **dict.fromkeys(("log1p", "tanh", "softplus", "sinh", "cosh", "erf", "logaddexp", "mish", "log_sigmoid"), 32),
    **dict.fromkeys(("gelu", "sin", "cos", "erfc", "atan", "asin", "acos", "asinh", "acosh", "atanh"), 40),
    **dict.fromkeys(("tan", "pow", "atan2"), 64),
}
"""Operation → instructions for one vector of single precision; others are taken as UNKNOWN."""

UNKNOWN = 8
EXPENSIVE = 8
"""From so many instructions on, a value is kept rather than computed again."""

NANOSECONDS = 0.25
"""Of an instruction on a vector of 64 bytes."""
BYTES_PER_NANOSECOND = 20.0
CACHED_BYTES_PER_NANOSECOND = 40.0
"""That one core moves between memory, or its caches, and registers."""


def instructions(cluster: Cluster, place: int) -> int:
    """About how many instructions a term takes for one vector of 32-bit lanes."""
    term = cluster.terms[place]
    if term.operation == CONSTANT:
        return 0
    if term.operation in (LOAD, INDEX):
        return 1 if term.view is None or term.view.dtype in ("float32", "float64", "int32", "int64") else 2
    count = 2 if is_reduction(term) else INSTRUCTIONS.get(term.operation, UNKNOWN)
    return count * max(1, SIZES[COMPUTED[term.dtype]] // 4)


def weight(cluster: Cluster, places: Iterable[int]) -> int:
    """About how many instructions some terms take for one vector."""
    return sum(instructions(cluster, place) for place in places)


def flops(cluster: Cluster) -> float:
    """The operations of a cluster, each counted once for each element."""
    elements = prod(cluster.rows) * cluster.columns
    return float(elements * sum(term.operation not in (LOAD, CONSTANT, INDEX) for term in cluster.terms))


def moved_bytes(cluster: Cluster) -> float:
    """The bytes of all that is read and written, each view once."""
    views = {(view, view.dtype): view for view in views_of(cluster)}
    sizes = (*cluster.rows, cluster.columns)
    total = 0
    for view in views.values():
        varying = (size for size, stride in zip(sizes, view.strides, strict=True) if stride)
        total += prod(varying) * size_bytes(view.dtype)
    return float(total)


def nanoseconds(isa: ISA, cluster: Cluster) -> float:
    """About how long a cluster takes on one core."""
    vectors = prod(cluster.rows) * -(-cluster.columns // 16)
    arithmetic = vectors * weight(cluster, range(len(cluster.terms))) * NANOSECONDS * (64 / isa.vector_bytes)
    moved = moved_bytes(cluster)
    return arithmetic + moved / (CACHED_BYTES_PER_NANOSECOND if moved <= CACHED_BYTES else BYTES_PER_NANOSECOND)
