"""Random bits against the published known answers and a plain Philox4x32-10 in Python's integers."""

import ctypes
from math import prod

import numpy as np
import pytest

from dovetail_kernels_llvm.codegen.isa import isa
from dovetail_kernels_llvm.kernels.kernel import View, c_strides
from dovetail_kernels_llvm.kernels.random import random_bits_launches
from dovetail_kernels_llvm.runtime.plain import run

MASK = 0xFFFFFFFF
STATES = [[5, 0, 7], [2**64 - 3, 2**64 - 1, 2**63 + 12345], [0, 0, 0]]

# Random123, tests/kat_vectors, "philox4x32 10": counter, key, and the block they give.
KNOWN = [
    ("00000000 00000000 00000000 00000000", "00000000 00000000", "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
    ("ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff", "408f276d 41c83b0e a20bc7c6 6d5451fd"),
    ("243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0", "d16cfe09 94fdcceb 5001e420 24126ea1"),
]


def philox(counter, key):
    words = [counter >> shift & MASK for shift in (0, 32, 64, 96)]
    low, high = key & MASK, key >> 32
    for _ in range(10):
        first, second = words[0] * 0xD2511F53, words[2] * 0xCD9E8D57
        words = [second >> 32 ^ words[1] ^ low, second & MASK, first >> 32 ^ words[3] ^ high, first & MASK]
        low, high = low + 0x9E3779B9 & MASK, high + 0xBB67AE85 & MASK
    return words


def stream(state, count, dtype):
    """The first `count` numbers that a state gives."""
    low, high, key = state
    size = np.dtype(dtype).itemsize
    words = []
    for block in range(-(-count * size // 16)):
        words += philox((low + (high << 64) + block) % (1 << 128), key)
    return np.frombuffer(np.array(words, "<u4").tobytes()[: count * size], dtype)


def drawn(state, shape, dtype):
    """(launches, numbers) with canaries on both sides checked."""
    state = np.array(state, np.uint64)
    target = np.full(prod(shape) + 32, 0xA5, dtype)
    views = (
        View(0, "uint64", state.shape, c_strides(state.shape)),
        View(1, np.dtype(dtype).name, (*state.shape[:-1], *shape), c_strides((*state.shape[:-1], *shape)), 16),
    )
    if state.ndim > 1:
        target = np.full(prod(views[1].shape) + 32, 0xA5, dtype)
    launches = random_bits_launches(isa(), *views, no_memory)
    run(launches, {0: state, 1: target})
    assert (target[:16] == 0xA5).all()
    assert (target[len(target) - 16 :] == 0xA5).all()
    return launches, target[16:-16].reshape(views[1].shape)


def no_memory(dtype, shape):
    raise AssertionError("nothing needs to be allocated")


@pytest.mark.parametrize(("counter", "key", "block"), KNOWN)
def test_bits_are_those_of_the_known_answers(counter, key, block):
    c, k, wanted = ([int(word, 16) for word in text.split()] for text in (counter, key, block))
    state = [c[0] | c[1] << 32, c[2] | c[3] << 32, k[0] | k[1] << 32]
    assert drawn(state, (4,), np.uint32)[1].tolist() == wanted


@pytest.mark.parametrize(
    ("dtype", "count"),
    [("uint8", 1), ("uint8", 131), ("uint16", 7), ("uint16", 64), ("uint32", 3), ("uint32", 97), ("uint64", 31)],
)
def test_every_dtype_and_length_is_a_prefix_of_the_stream(dtype, count):
    for state in STATES:
        np.testing.assert_array_equal(drawn(state, (count,), dtype)[1], stream(state, count, dtype))


def test_each_state_of_a_batch_has_its_own_stream():
    states = [[[k, 3 * j, 2**40 * k + j] for k in range(3)] for j in range(2)]
    _, bits = drawn(states, (5, 7), np.uint16)
    for j in range(2):
        for k in range(3):
            np.testing.assert_array_equal(bits[j, k].reshape(-1), stream(states[j][k], 35, np.uint16))


def test_an_empty_shape_draws_nothing():
    assert drawn([1, 2, 3], (0, 4), np.uint32)[0] == []


def test_long_streams_are_cut_into_tasks_whose_order_does_not_matter():
    count = 400_003
    state, target = np.array(STATES[1], np.uint64), np.zeros(count, np.uint32)
    (launch,) = random_bits_launches(isa(), View(0, "uint64", (3,), (1,)), View(1, "uint32", (count,), (1,)), no_memory)
    assert launch.tasks > 2
    backwards(launch, [state, target])
    for block in (0, 1, 7, 8, 15, 16, 50_000, 50_001, 99_999):
        wanted = philox((STATES[1][0] + (STATES[1][1] << 64) + block) % (1 << 128), STATES[1][2])
        assert target[4 * block : 4 * block + 4].tolist() == wanted
    pieces = [target[4 * k : 4 * k + 4].tobytes() for k in range(100_000)]
    assert len(set(pieces)) == len(pieces)  # no part was drawn twice
    assert (
        target[-3:].tolist() == philox((STATES[1][0] + (STATES[1][1] << 64) + 100_000) % (1 << 128), STATES[1][2])[:3]
    )


def test_many_states_are_cut_into_tasks():
    states = np.arange(3000, dtype=np.uint64).reshape(1000, 3)
    target = np.zeros((1000, 600), np.uint32)
    views = View(0, "uint64", (1000, 3), (3, 1)), View(1, "uint32", (1000, 600), (600, 1))
    (launch,) = random_bits_launches(isa(), *views, no_memory)
    assert launch.tasks > 2
    backwards(launch, [states, target])
    for row in (0, 1, 499, 999):
        np.testing.assert_array_equal(target[row], stream(states[row].tolist(), 600, np.uint32))


def backwards(launch, arrays):
    from dovetail_kernels_llvm.runtime.engine import compile_kernels

    addresses, alive = compile_kernels([launch.kernel.text])
    arguments = (ctypes.c_int64 * len(arrays))(*(array.ctypes.data for array in arrays))
    function = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64, ctypes.c_void_p)(addresses[launch.kernel.text])
    for task in reversed(range(launch.tasks)):
        function(ctypes.addressof(arguments), task, None)
    del alive


def test_strided_states_and_targets_go_through_temporaries():
    states = np.arange(24, dtype=np.uint64).reshape(4, 6)
    target = np.zeros((5, 4), np.uint32)
    buffers = {0: states, 1: target}

    def allocate(dtype, shape):
        buffers[len(buffers)] = np.empty(shape, dtype)
        return View(len(buffers) - 1, dtype, shape, c_strides(shape))

    launches = random_bits_launches(
        isa(), View(0, "uint64", (4, 3), (6, 2), 1), View(1, "uint32", (4, 5), (1, 4)), allocate
    )
    run(launches, buffers)
    for row in range(4):
        np.testing.assert_array_equal(target[:, row], stream(states[row, 1::2].tolist(), 5, np.uint32))
