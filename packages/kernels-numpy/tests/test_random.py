"""The random stream, against published answers and against a second implementation."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from dovetail_kernels_numpy import philox, random
from dovetail_protocols import dtypes as dt
from dovetail_protocols import operations as ops
from dovetail_protocols.kernels import CallMeta
from dovetail_protocols.metas import TensorMeta

# Random123, examples/kat_vectors: philox4x32 10: counter, key, words.
KNOWN_ANSWERS = [
    ("00000000 00000000 00000000 00000000", "00000000 00000000", "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
    ("ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff", "408f276d 41c83b0e a20bc7c6 6d5451fd"),
    ("243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0", "d16cfe09 94fdcceb 5001e420 24126ea1"),
]


def number(text: str) -> int:
    """Words, the lowest first, as one number."""
    return sum(int(word, 16) << 32 * place for place, word in enumerate(text.split()))


def state(counter: int, key: int) -> Any:
    return np.array([counter & philox.MASK_64, counter >> 64, key], dtype=np.uint64)


def run(name: str, value: Any, **attributes: Any) -> Any:
    operation = getattr(ops, name)
    operands, bound = (TensorMeta(value.shape, dt.uint64),), {**operation._defaults, **attributes}
    return getattr(random, name)(CallMeta(operation, operands, bound, (operation.infer(operands, bound),)))(value)


@pytest.mark.parametrize(("counter", "key", "expected"), KNOWN_ANSWERS)
def test_random_bits_gives_the_known_answers(counter: str, key: str, expected: str) -> None:
    given = state(number(counter), number(key))
    assert [f"{word:08x}" for word in run("random_bits", given, shape=(4,))] == expected.split()
    long = run("random_bits", given, shape=(philox.SCALAR_BLOCKS * 4 + 4,))
    assert [f"{word:08x}" for word in long[:4]] == expected.split()


@pytest.mark.parametrize(
    "counter", [0, 5, (1 << 32) - 3, (1 << 64) - 3, (1 << 64) - 9000, (1 << 128) - 3, 123 << 64 | 456]
)
def test_blocks_of_many_counters_equal_those_of_each(counter: int) -> None:
    count = philox.CHUNK_BLOCKS + 100
    stream = philox.words(counter, 0x299F31D0A4093822, 4 * count).reshape(count, 4)
    for place in (0, 1, 2, 3, 4, 8999 % count, 8191, 8192, 8193, count - 1):
        expected = philox.block((counter + place) & philox.MASK_128, 0x299F31D0A4093822)
        assert tuple(stream[place].tolist()) == expected


@pytest.mark.parametrize("count", [0, 1, 3, 4, 5, 23, 24, 25, 29])
def test_a_shorter_draw_is_the_beginning_of_a_longer_one(count: int) -> None:
    given = state(77, 5)
    np.testing.assert_array_equal(
        run("random_bits", given, shape=(count,)), run("random_bits", given, shape=(40,))[:count]
    )


@pytest.mark.parametrize("dtype", [dt.uint8, dt.uint16, dt.uint64])
def test_other_widths_cut_the_same_stream_from_the_low_bits_up(dtype: dt.DType) -> None:
    given, bits = state(3, 9), 8 * dtype.size_bytes
    stream = sum(int(word) << 32 * place for place, word in enumerate(run("random_bits", given, shape=(12,))))
    drawn = run("random_bits", given, shape=(3, 2), dtype=dtype)
    assert drawn.dtype == dtype.name
    expected = [stream >> bits * place & (1 << bits) - 1 for place in range(6)]
    assert drawn.reshape(-1).tolist() == expected


def test_a_batch_of_states_draws_for_each() -> None:
    states = np.stack([state(3, 9), state(4, 9), state(3, 8)]).reshape(3, 1, 3)
    drawn = run("random_bits", states, shape=(2, 5))
    assert drawn.shape == (3, 1, 2, 5)
    for place in range(3):
        np.testing.assert_array_equal(drawn[place, 0], run("random_bits", states[place, 0], shape=(2, 5)))


def test_bits_pass_simple_tests_of_uniformity() -> None:
    drawn = run("random_bits", state(0, 42), shape=(200_000,))
    ones = np.unpackbits(drawn.view(np.uint8)).mean()
    assert abs(ones - 0.5) < 5 * 0.5 / np.sqrt(drawn.size * 32)
    counts = np.bincount(drawn >> 24, minlength=256)
    chi_squared = ((counts - drawn.size / 256) ** 2 / (drawn.size / 256)).sum()
    assert 255 - 5 * np.sqrt(510) < chi_squared < 255 + 5 * np.sqrt(510)


@pytest.mark.parametrize("blocks", [0, 1, -1, 1 << 64, (1 << 128) - 1, -(1 << 70)])
@pytest.mark.parametrize("counter", [0, (1 << 64) - 1, (1 << 128) - 1])
def test_random_advance_adds_to_a_128_bit_counter(counter: int, blocks: int) -> None:
    moved = run("random_advance", state(counter, 6), blocks=blocks)
    np.testing.assert_array_equal(moved, state((counter + blocks) & philox.MASK_128, 6))


def test_random_advance_skips_blocks_of_the_stream_and_leaves_its_input() -> None:
    given = np.stack([state(0, 1), state(9, 2)])
    before = given.copy()
    moved = run("random_advance", given, blocks=3)
    np.testing.assert_array_equal(given, before)
    np.testing.assert_array_equal(run("random_bits", moved, shape=(8,)), run("random_bits", given, shape=(20,))[:, 12:])


def test_kernels_refuse_what_infer_refuses() -> None:
    bits = random.random_bits(CallMeta(ops.random_bits, (), {"shape": (2,)}, (TensorMeta((2,), dt.uint32),)))
    advance = random.random_advance(SimpleNamespace(attributes={"blocks": 1}))  # type: ignore[arg-type] # one member
    for kernel in (bits, advance):
        with pytest.raises(ValueError, match="not a random state"):
            kernel(np.zeros(2, dtype=np.uint64))
