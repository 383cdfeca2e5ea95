"""Arrays of zeros, ones or given numbers, where derivatives begin."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dovetail_protocols import operations as ops
from dovetail_protocols.arrays import provider
from dovetail_protocols.metas import TensorMeta


def zeros_like(array: Any) -> Any:
    """Zeros of the shape, dtype and device of an array or a variable."""
    meta = array.meta
    return ops.full(shape=meta.shape, fill_value=0, dtype=meta.dtype, device=meta.device)


def ones_like(array: Any) -> Any:
    """Ones of the shape, dtype and device of an array or a variable."""
    meta = array.meta
    return ops.full(shape=meta.shape, fill_value=1, dtype=meta.dtype, device=meta.device)


def from_numbers(numbers: Sequence[complex], meta: TensorMeta) -> Any:
    """An array of Python numbers in row-major order."""
    return ops.reshape(provider().convert(list(numbers), dtype=meta.dtype, device=meta.device), shape=meta.shape)
