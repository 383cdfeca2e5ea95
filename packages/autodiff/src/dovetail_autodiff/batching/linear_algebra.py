"""Batching of products of matrices: the batch becomes one more axis that broadcasts."""

from __future__ import annotations

from typing import Any

from dovetail_protocols import operations as ops

from ..extend import batching_of
from .elementwise import aligned
from .manipulation import example_meta


@batching_of(ops.matmul)
def matmul(size: int, is_batched: Any, x1: Any, x2: Any) -> Any:
    metas = [example_meta(x) if batched else x.meta for x, batched in zip((x1, x2), is_batched, strict=True)]
    result: Any = ops.matmul.infer(metas, {})
    if metas[0].ndim == 1 and metas[1].ndim <= 2 and not is_batched[1]:
        return ops.matmul(x1, x2)  # a vector for each example is a row of one matrix
    left = ops.expand_dims(x1, axis=-2) if metas[0].ndim == 1 else x1
    right = ops.expand_dims(x2, axis=-1) if metas[1].ndim == 1 else x2
    product = ops.matmul(*aligned(is_batched, (left, right)))
    return ops.reshape(product, shape=(size, *result.shape))
