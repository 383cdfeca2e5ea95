"""Arrays of zeros, ones or given numbers, where derivatives begin."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dovetail_protocols.arrays import provider
from dovetail_protocols.dtypes import DType


def zeros_like(array: Any) -> Any:
    """Zeros of the shape and dtype of an array or a variable."""
    return filled(array, 0)


def ones_like(array: Any) -> Any:
    """Ones of the shape and dtype of an array or a variable."""
    return filled(array, 1)


def filled(array: Any, number: float) -> Any:
    meta = array.meta
    return from_numbers([number] * meta.size, meta.shape, meta.dtype)


def from_numbers(numbers: Sequence[complex], shape: tuple[int, ...], dtype: DType) -> Any:
    """An array of Python numbers in row-major order."""
    nested = list(numbers)
    for size in reversed(shape[1:]):
        nested = [nested[start : start + size] for start in range(0, len(nested), size)] if size else [[]] * shape[0]
    return provider().convert(nested if shape else nested[0], dtype=dtype)
