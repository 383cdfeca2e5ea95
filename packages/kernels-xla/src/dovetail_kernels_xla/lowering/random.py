"""Random bits: Philox4x32-10, the same bits as everywhere.

Source: Salmon, Moraes, Dror, Shaw: Parallel Random Numbers: As Easy as 1, 2, 3 (SC 2011).
"""

from __future__ import annotations

from math import prod
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax

from dovetail_protocols import operations as ops
from dovetail_protocols.kernels import CallMeta

from ..dtypes import numpy_dtype
from .registry import lowering

_MULTIPLIERS = (np.uint64(0xD2511F53), np.uint64(0xCD9E8D57))
_WEYL = (np.uint32(0x9E3779B9), np.uint32(0xBB67AE85))
_ROUNDS = 10
_HALF = np.uint64(32)


@lowering(ops.random_bits)
def random_bits(call: CallMeta, state: Any) -> Any:
    result = call.results[0]
    dtype = numpy_dtype(result.dtype)
    batch = state.shape[:-1]
    count = prod(result.shape[len(batch) :])
    word_count = -(-count * dtype.itemsize // 4)
    words = _words(state, -(-word_count // 4))
    if dtype.itemsize == 8:  # the first word is the low half
        pairs = words.reshape(*batch, -1, 2).astype(np.uint64)
        drawn = pairs[..., 0] | pairs[..., 1] << _HALF
    elif dtype.itemsize == 4:
        drawn = words
    else:  # the lowest bits come first, as bitcasts have it
        drawn = lax.bitcast_convert_type(words, dtype).reshape(*batch, -1)
    return drawn[..., :count].reshape(result.shape)


def _words(state: Any, blocks: int) -> Any:
    """(…, 4 · blocks), uint32: the stream that begins at the counter of each state."""
    number = lax.iota(np.uint64, blocks)
    low = state[..., 0:1] + number
    high = state[..., 1:2] + (low < number).astype(np.uint64)  # the low half has wrapped
    key = [_low(state[..., 2:3]), _high(state[..., 2:3])]
    c = [_low(low), _high(low), _low(high), _high(high)]
    for _ in range(_ROUNDS):
        first = c[0].astype(np.uint64) * _MULTIPLIERS[0]
        second = c[2].astype(np.uint64) * _MULTIPLIERS[1]
        c = [_high(second) ^ c[1] ^ key[0], _low(second), _high(first) ^ c[3] ^ key[1], _low(first)]
        key = [key[0] + _WEYL[0], key[1] + _WEYL[1]]
    shape = (*state.shape[:-1], blocks)
    return jnp.stack([jnp.broadcast_to(word, shape) for word in c], axis=-1).reshape(*state.shape[:-1], 4 * blocks)


def _low(x: Any) -> Any:
    return x.astype(np.uint32)


def _high(x: Any) -> Any:
    return (x >> _HALF).astype(np.uint32)
