"""Elements made of attributes, and random bits of a state.

Source of Philox4x32-10: Salmon, Moraes, Dror, Shaw: Parallel Random Numbers: As Easy as 1, 2, 3 (SC 2011).
"""

import numpy as np

from dovetail_protocols.kernels import Unsupported

from .binding import computing

MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
WEYL = (0x9E3779B9, 0xBB67AE85)
ROUNDS = 10


@computing
def full(call):
    value = call.attributes["fill_value"]
    return lambda: np.array(value).astype(np.dtype(call.results[0].dtype.name))


@computing
def arange(call):
    given = call.attributes
    first = 0 if given["stop"] is None else given["start"]
    (count,), dtype = call.results[0].shape, np.dtype(call.results[0].dtype.name)
    return lambda: (first + np.arange(count) * given["step"]).astype(dtype)


def random_bits(call):
    if call.operands[0].ndim != 1:
        return Unsupported("batches of states are not drawn from here")
    return _random_bits(call)


@computing
def _random_bits(call):
    dtype, shape = np.dtype(call.results[0].dtype.name), call.results[0].shape
    size = call.results[0].size_bytes

    def compute(state):
        low, high, key = (int(word) for word in state)
        blocks = [_block((low | high << 64) + place & (1 << 128) - 1, key) for place in range(-(-size // 16))]
        words = np.array(blocks, "<u4").reshape(-1)
        return np.frombuffer(words.tobytes()[:size], dtype).reshape(shape)

    return compute


def _block(counter, key):
    mask = (1 << 32) - 1
    words = [counter >> shift & mask for shift in (0, 32, 64, 96)]
    key_low, key_high = key & mask, key >> 32
    for _ in range(ROUNDS):
        first, second = words[0] * MULTIPLIERS[0], words[2] * MULTIPLIERS[1]
        words = [second >> 32 ^ words[1] ^ key_low, second & mask, first >> 32 ^ words[3] ^ key_high, first & mask]
        key_low, key_high = key_low + WEYL[0] & mask, key_high + WEYL[1] & mask
    return words
