"""What a foreign file holds, whatever its format: arrays and plain values by name."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .rules import size_bytes

Scalar = bool | int | float | str | None


@dataclass(frozen=True)
class StoredArray:
    """An array that is read when it is asked for. Two with the same `identity` (not None) are one array."""

    dtype: str
    shape: tuple[int, ...]
    read: Callable[[], np.ndarray[Any, Any]]
    identity: Hashable = None

    @staticmethod
    def of(array: np.ndarray[Any, Any]) -> StoredArray:
        """An array that is in memory."""
        return StoredArray(array.dtype.name, array.shape, lambda: array)


@dataclass(frozen=True)
class Contents:
    """Arrays and plain values by name, in the file's order; `metadata` is what the format says beside them."""

    arrays: Mapping[str, StoredArray]
    scalars: Mapping[str, Scalar] = field(default_factory=dict)
    metadata: Mapping[str, str] = field(default_factory=dict)

    @property
    def size_bytes(self) -> int:
        """Of all arrays together, one that has several names counted for each."""
        return sum(size_bytes(array.shape, array.dtype) for array in self.arrays.values())
