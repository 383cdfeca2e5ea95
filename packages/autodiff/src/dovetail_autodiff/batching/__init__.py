"""Batching rules, one module for each family of operations, as in dovetail_protocols.operations."""

from . import (
    control_flow,
    convolution,
    elementwise,
    embedding,
    indexing,
    linear_algebra,
    manipulation,
    pooling,
    printing,
    random,
    reductions,
)

__all__ = [
    "control_flow",
    "convolution",
    "elementwise",
    "embedding",
    "indexing",
    "linear_algebra",
    "manipulation",
    "pooling",
    "printing",
    "random",
    "reductions",
]
