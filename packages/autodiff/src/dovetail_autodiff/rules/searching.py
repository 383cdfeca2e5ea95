"""Searching and the distinct elements: places and counts carry no gradient."""

from __future__ import annotations

from dovetail_protocols import operations as ops

from ..extend import not_differentiable

for _operation in (ops.argmax, ops.argmin, ops.searchsorted):
    not_differentiable(_operation, "the result is an integer")
for _operation in (ops.unique_values, ops.unique_counts, ops.unique_inverse, ops.unique_all):
    not_differentiable(_operation, "a set's order and size jump; take x at unique_all's indices to differentiate")
