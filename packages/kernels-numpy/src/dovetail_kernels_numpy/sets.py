"""The distinct elements of an array, in ascending order; NaNs are distinct from each other."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from dovetail_protocols import operations as ops
from dovetail_protocols.kernels import CallMeta

from .declaration import kernel


@kernel(ops.unique_values, binding="per_dtype")
def unique_values(call: CallMeta) -> Any:
    return partial(np.unique, equal_nan=False)


@kernel(ops.unique_counts, binding="per_dtype")
def unique_counts(call: CallMeta) -> Any:
    return partial(np.unique, equal_nan=False, return_counts=True)


@kernel(ops.unique_inverse, binding="per_dtype")
def unique_inverse(call: CallMeta) -> Any:
    return partial(np.unique, equal_nan=False, return_inverse=True)


@kernel(ops.unique_all, binding="per_dtype")
def unique_all(call: CallMeta) -> Any:
    return partial(np.unique, equal_nan=False, return_index=True, return_inverse=True, return_counts=True)
