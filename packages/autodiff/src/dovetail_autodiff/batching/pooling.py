"""Pools of batches: examples join the batch axis."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dovetail_protocols import operations as ops
from dovetail_protocols.operation import Operation

from ..extend import batching_of
from .convolution import joined, parted


def _joining(operation: Operation) -> Callable[..., Any]:
    def rule(size: int, is_batched: Any, *operands: Any, **attributes: Any) -> Any:
        alike = [
            operand if batched else ops.broadcast_to(operand, shape=(size, *operand.shape))
            for operand, batched in zip(operands, is_batched, strict=True)
        ]
        return parted(operation(*map(joined, alike), **attributes), size)

    return rule


for _operation in (
    ops.max_pool,
    ops.max_pool_gradient,
    ops.max_pool_select,
    ops.average_pool,
    ops.average_pool_gradient,
):
    batching_of(_operation)(_joining(_operation))
