"""Padding; what repeats and tiles is differentiated through its decomposition."""

from __future__ import annotations

from typing import Any

from dovetail_protocols import operations as ops
from dovetail_protocols.operations.tiling import padding_pairs

from ..extend import gradient_of, jvp_of, not_differentiable

not_differentiable(ops.repeat_indices, "the result is an integer")


@gradient_of(ops.pad_constant)
def pad_constant(cotangent: Any, result: Any, x: Any, *, padding: Any, value: complex) -> Any:
    pairs = padding_pairs("pad_constant", padding, len(x.shape))
    starts = tuple(before for before, _ in pairs)
    stops = tuple(before + size for (before, _), size in zip(pairs, x.shape, strict=True))
    return ops.slice(cotangent, starts=starts, stops=stops)


@jvp_of(ops.pad_constant)
def pad_constant_forward(tangents: Any, result: Any, x: Any, *, padding: Any, value: complex) -> Any:
    return ops.pad_constant(tangents[0], padding=padding)
