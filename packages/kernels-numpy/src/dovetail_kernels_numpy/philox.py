"""Philox4x32-10 for many counters at once.

Source: Salmon, Moraes, Dror, Shaw: Parallel Random Numbers: As Easy as 1, 2, 3 (SC 2011); constants and known answers
from their Random123 library.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
WEYL = (0x9E3779B9, 0xBB67AE85)
ROUNDS = 10
MASK_32 = 0xFFFFFFFF
MASK_64 = (1 << 64) - 1
MASK_128 = (1 << 128) - 1

SCALAR_BLOCKS = 6
"""Up to so many blocks Python's own integers are quicker (8 µs a block) than the 50 µs that 120 ufunc calls cost."""
CHUNK_BLOCKS = 8192
"""Blocks computed together: their buffers, 64 KiB each, stay in the second-level cache."""


def words(counter: int, key: int, count: int) -> Any:
    """The first `count` words of the stream that begins at a 128-bit counter, as uint32."""
    blocks = -(-count // 4)
    if blocks <= SCALAR_BLOCKS:
        stream = [word for i in range(blocks) for word in block(counter + i & MASK_128, key)]
        return np.array(stream[:count], dtype=np.uint32)
    output = np.empty((blocks, 4), dtype=np.uint32)
    for start in range(0, blocks, CHUNK_BLOCKS):
        chunk = output[start : start + CHUNK_BLOCKS]
        _fill(chunk, counter + start & MASK_128, key)
    return output.reshape(-1)[:count]


def block(counter: int, key: int) -> tuple[int, int, int, int]:
    """The four words of one counter's block, in Python's integers."""
    c0, c1, c2, c3 = (counter >> shift & MASK_32 for shift in (0, 32, 64, 96))
    for key_0, key_1 in _round_keys(key):
        first, second = c0 * MULTIPLIERS[0], c2 * MULTIPLIERS[1]
        c0, c1, c2, c3 = second >> 32 ^ c1 ^ key_0, second & MASK_32, first >> 32 ^ c3 ^ key_1, first & MASK_32
    return c0, c1, c2, c3


def _round_keys(key: int) -> Iterator[tuple[int, int]]:
    key_0, key_1 = key & MASK_32, key >> 32 & MASK_32
    for _ in range(ROUNDS):
        yield key_0, key_1
        key_0, key_1 = key_0 + WEYL[0] & MASK_32, key_1 + WEYL[1] & MASK_32


def _fill(output: Any, counter: int, key: int) -> None:
    """Blocks of consecutive counters, one a row. Words are kept in uint64, where a product of two has room."""
    low, high = _counters(counter, len(output))
    mask, half = np.uint64(MASK_32), np.uint64(32)
    multiplier_0, multiplier_1 = np.uint64(MULTIPLIERS[0]), np.uint64(MULTIPLIERS[1])
    c0, c1, c2, c3 = low & mask, low >> half, high & mask, high >> half
    for key_0, key_1 in _round_keys(key):
        c0 *= multiplier_0
        c2 *= multiplier_1
        c1 ^= c2 >> half
        c1 ^= np.uint64(key_0)
        c3 ^= c0 >> half
        c3 ^= np.uint64(key_1)
        c2 &= mask
        c0 &= mask
        c0, c1, c2, c3 = c1, c2, c3, c0
    for place, word in enumerate((c0, c1, c2, c3)):
        output[:, place] = word


def _counters(counter: int, count: int) -> tuple[Any, Any]:
    """Low and high halves of consecutive 128-bit counters, wrapping."""
    low = np.arange(count, dtype=np.uint64)
    low += np.uint64(counter & MASK_64)
    high = np.full(count, counter >> 64, dtype=np.uint64)
    carried = (1 << 64) - (counter & MASK_64)  # from this place on, the low half has wrapped
    if carried < count:
        high[carried:] = (counter >> 64) + 1 & MASK_64
    return low, high
