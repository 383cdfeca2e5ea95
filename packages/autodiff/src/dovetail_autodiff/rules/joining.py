"""Joining and splitting: each is the adjoint of the other."""

from __future__ import annotations

from typing import Any

from dovetail_protocols import operations as ops

from ..extend import gradient_of, jvp_of
from ..seeds import zeros_like
from .manipulation import linear

for _operation in (ops.unstack, ops.split):
    linear(_operation)


@gradient_of(ops.concat)
def concat(cotangent: Any, result: Any, *arrays: Any, axis: int | None) -> Any:
    if axis is None:
        parts = ops.split(cotangent, sections=tuple(array.meta.size for array in arrays))
        return tuple(ops.reshape(part, shape=array.shape) for part, array in zip(parts, arrays, strict=True))
    return ops.split(cotangent, sections=tuple(array.shape[axis] for array in arrays), axis=axis)


@jvp_of(ops.concat)
def concat_forward(tangents: Any, result: Any, *arrays: Any, axis: int | None) -> Any:
    return ops.concat(*_filled(tangents, arrays), axis=axis)


@gradient_of(ops.stack)
def stack(cotangent: Any, result: Any, *arrays: Any, axis: int) -> Any:
    return ops.unstack(cotangent, axis=axis)


@jvp_of(ops.stack)
def stack_forward(tangents: Any, result: Any, *arrays: Any, axis: int) -> Any:
    return ops.stack(*_filled(tangents, arrays), axis=axis)


def _filled(tangents: Any, arrays: Any) -> list[Any]:
    """The tangents, zeros for those that are zero."""
    return [zeros_like(array) if tangent is None else tangent for tangent, array in zip(tangents, arrays, strict=True)]


@gradient_of(ops.unstack)
def unstack(cotangents: Any, results: Any, x: Any, *, axis: int) -> Any:
    return ops.stack(*cotangents, axis=axis) if cotangents else zeros_like(x)


@gradient_of(ops.split)
def split(cotangents: Any, results: Any, x: Any, *, sections: Any, axis: int) -> Any:
    return ops.concat(*cotangents, axis=axis)
