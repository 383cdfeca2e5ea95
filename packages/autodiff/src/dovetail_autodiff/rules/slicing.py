"""Slices, and writing into slices."""

from __future__ import annotations

from typing import Any

from dovetail_protocols import operations as ops

from ..extend import gradient_of, jvp_of
from ..seeds import zeros_like
from .manipulation import linear

for _operation in (ops.slice, ops.scatter_slice):
    linear(_operation)


@gradient_of(ops.slice)
def slice(cotangent: Any, result: Any, x: Any, **places: Any) -> Any:
    return ops.scatter_slice(cotangent, shape=x.shape, **places)


@gradient_of(ops.scatter_slice)
def scatter_slice(cotangent: Any, result: Any, updates: Any, *, shape: tuple[int, ...], **places: Any) -> Any:
    return ops.slice(cotangent, **places)


@gradient_of(ops.dynamic_slice)
def dynamic_slice(cotangent: Any, result: Any, x: Any, *starts: Any, sizes: tuple[int, ...]) -> Any:
    return ops.dynamic_update_slice(zeros_like(x), cotangent, *starts), *(None for _ in starts)


@jvp_of(ops.dynamic_slice)
def dynamic_slice_forward(tangents: Any, result: Any, x: Any, *starts: Any, sizes: tuple[int, ...]) -> Any:
    return None if tangents[0] is None else ops.dynamic_slice(tangents[0], *starts, sizes=sizes)


@gradient_of(ops.dynamic_update_slice)
def dynamic_update_slice(cotangent: Any, result: Any, x: Any, update: Any, *starts: Any) -> Any:
    return (
        lambda: ops.dynamic_update_slice(cotangent, zeros_like(update), *starts),
        lambda: ops.dynamic_slice(cotangent, *starts, sizes=update.shape),
        *(None for _ in starts),
    )


@jvp_of(ops.dynamic_update_slice)
def dynamic_update_slice_forward(tangents: Any, result: Any, x: Any, update: Any, *starts: Any) -> Any:
    by_x, by_update = tangents[:2]
    if by_x is None and by_update is None:
        return None
    return ops.dynamic_update_slice(
        zeros_like(x) if by_x is None else by_x, zeros_like(update) if by_update is None else by_update, *starts
    )
