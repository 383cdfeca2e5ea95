"""Batching rules, one module for each family of operations, as in dovetail_protocols.operations."""

from . import (
    convolution,
    elementwise,
    embedding,
    indexing,
    linear_algebra,
    manipulation,
    pooling,
    reductions,
)

__all__ = [
    "convolution",
    "elementwise",
    "embedding",
    "indexing",
    "linear_algebra",
    "manipulation",
    "pooling",
    "reductions",
]
