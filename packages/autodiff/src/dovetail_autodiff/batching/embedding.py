"""The gradient of embedding for a batch: one tall table, in which each example has its own rows."""

from __future__ import annotations

from typing import Any

from dovetail_protocols import operations as ops
from dovetail_protocols.dtypes import int64

from ..extend import batching_of


@batching_of(ops.embedding_gradient)
def embedding_gradient(count: int, is_batched: Any, cotangent: Any, indices: Any, *, size: int) -> Any:
    alike = [
        array if batched else ops.broadcast_to(array, shape=(count, *array.shape))
        for array, batched in zip((cotangent, indices), is_batched, strict=True)
    ]
    rows = ops.cast(alike[1], dtype=int64)
    numbers = ops.arange(start=count, dtype=int64, device=rows.device)
    first = ops.reshape(numbers * size, shape=(count, *(1,) * (len(rows.shape) - 1)))
    rows = ops.where(rows < 0, rows + size, rows) + first
    tall = ops.embedding_gradient(alike[0], rows, size=count * size)
    return ops.reshape(tall, shape=(count, size, *tall.shape[1:]))
