"""What is saved: arrays by name, made of a seed, in dtypes that every format has."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Any, TypeAlias

import numpy as np

Arrays: TypeAlias = dict[str, np.ndarray[Any, Any]]


def small(seed: int) -> Arrays:
    """Five arrays of five dtypes, about 7 KB."""
    random = np.random.default_rng(seed)
    return {
        "dense_kernel": random.standard_normal((32, 32)).astype(np.float32),
        "dense_bias": random.standard_normal(32).astype(np.float64),
        "embedding": random.integers(0, 1 << 15, (40, 30)).astype(np.int16),
        "mask": random.integers(0, 2, 100).astype(np.uint8),
        "step": np.asarray([seed], np.int64),
    }


def many(seed: int) -> Arrays:
    """200 arrays of 64 bytes."""
    random = np.random.default_rng(seed)
    return {f"layer_{place:03}": random.standard_normal(16).astype(np.float32) for place in range(200)}


def blocks(seed: int) -> Arrays:
    """Eight arrays of 8,000 bytes: about 64 KB, for experiments that try every byte."""
    random = np.random.default_rng(seed)
    return {f"layer_{place}": random.standard_normal(2000).astype(np.float32) for place in range(8)}


def large(seed: int) -> Arrays:
    """Four arrays of 1 MiB, which take a while."""
    random = np.random.default_rng(seed)
    return {f"layer_{place}": random.standard_normal(1 << 18).astype(np.float32) for place in range(4)}


def huge(seed: int) -> Arrays:
    """Sixteen arrays of 4 MiB: as large as a share of a real model."""
    random = np.random.default_rng(seed)
    return {f"layer_{place}": random.standard_normal(1 << 20, np.float32) for place in range(16)}


PAYLOADS: Mapping[str, Callable[[int], Arrays]] = {
    "small": small,
    "many": many,
    "blocks": blocks,
    "large": large,
    "huge": huge,
}


def digest(arrays: Mapping[str, Any]) -> str:
    """The same for the same names, dtypes, shapes and bytes, and for nothing else."""
    found = sha256()
    for name in sorted(arrays):
        array = np.asarray(arrays[name])
        data = array.tobytes()
        found.update(f"{name}\0{array.dtype.str}\0{array.shape}\0{len(data)}\0".encode())
        found.update(data)
    return found.hexdigest()[:16]
