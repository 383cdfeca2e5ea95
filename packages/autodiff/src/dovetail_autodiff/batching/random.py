"""Batching of random bits: a batch of random states draws for each; see the operation."""

from __future__ import annotations

from typing import Any

from dovetail_protocols import operations as ops

from ..extend import batching_of


@batching_of(ops.random_bits)
def random_bits(size: int, is_batched: Any, state: Any, *, shape: Any, dtype: Any) -> Any:
    return ops.random_bits(state, shape=shape, dtype=dtype)
