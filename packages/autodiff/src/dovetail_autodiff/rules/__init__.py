"""Reverse and forward rules, one module for each family of operations, as in dovetail_protocols.operations."""

from . import (
    activations,
    arithmetic,
    complex_numbers,
    constants,
    cumulative,
    exponential,
    linear_algebra,
    reductions,
    signs,
    softmax,
    special,
    triangles,
    trigonometric,
    variables,
)

__all__ = [
    "activations",
    "arithmetic",
    "complex_numbers",
    "constants",
    "cumulative",
    "exponential",
    "linear_algebra",
    "reductions",
    "signs",
    "softmax",
    "special",
    "triangles",
    "trigonometric",
    "variables",
]
