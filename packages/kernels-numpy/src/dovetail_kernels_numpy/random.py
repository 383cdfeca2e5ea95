"""Random bits and the arithmetic of random states."""

from __future__ import annotations

from functools import partial
from math import prod
from typing import Any

import numpy as np

from dovetail_protocols import operations as ops
from dovetail_protocols.kernels import CallMeta

from .declaration import kernel
from .dtypes import numpy_dtype
from .philox import MASK_64, MASK_128, words


@kernel(ops.random_bits, binding="per_dtype")
def random_bits(call: CallMeta) -> Any:
    shape = call.attributes["shape"]
    shape = (shape,) if isinstance(shape, int) else shape
    return partial(_draw, shape=shape, dtype=numpy_dtype(call.results[0].dtype))


def _draw(state: Any, *, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Any:
    _check(state)
    if state.ndim == 1:
        return _draw_one(state, shape, dtype)
    drawn = np.empty((*state.shape[:-1], *shape), dtype=dtype)
    for place in np.ndindex(state.shape[:-1]):
        drawn[place] = _draw_one(state[place], shape, dtype)
    return drawn


def _draw_one(state: Any, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Any:
    count = prod(shape)
    low, high, key = state.tolist()
    # Words as little-endian bytes: that a uint64 begins with its low word, and a word with its low byte, is then free.
    stream = words(low | high << 64, key, -(-count * dtype.itemsize // 4)).astype("<u4", copy=False)
    return stream.view(dtype.newbyteorder("<"))[:count].reshape(shape).astype(dtype, copy=False)


@kernel(ops.random_advance, binding="per_dtype")
def random_advance(call: CallMeta) -> Any:
    return partial(_advance, blocks=call.attributes["blocks"])


def _advance(state: Any, *, blocks: int) -> Any:
    _check(state)
    moved = state.copy()
    for place in np.ndindex(state.shape[:-1]):
        low, high, _ = state[place].tolist()
        counter = (low | high << 64) + blocks & MASK_128
        moved[place][:2] = counter & MASK_64, counter >> 64
    return moved


def _check(state: Any) -> None:
    if state.ndim == 0 or state.shape[-1] != 3:
        raise ValueError("not a random state")
