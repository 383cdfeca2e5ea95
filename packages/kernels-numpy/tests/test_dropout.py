"""Dropout: which elements, how many, and the mean."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dovetail_protocols import operations as ops
from dovetail_protocols.arrays import provider


def state(key: int, counter: int = 0) -> Any:
    return provider().convert(np.array([counter, 0, key], np.uint64))


def test_elements_are_dropped_where_the_random_bits_say() -> None:
    x = np.random.default_rng(0).normal(size=(40, 50))
    bits = np.asarray(ops.random_bits(state(5), shape=(40, 50), dtype="uint16"))
    expected = np.where(bits < round(0.3 * 65536), 0.0, x / (1 - round(0.3 * 65536) / 65536))
    np.testing.assert_allclose(np.asarray(ops.dropout(x, state(5), rate=0.3)), expected, rtol=1e-14)


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_the_share_and_the_mean_are_right(rate: float) -> None:
    result = np.asarray(ops.dropout(np.ones(40000), state(7), rate=rate))
    deviation = np.sqrt(rate * (1 - rate) / 40000)
    assert abs((result == 0).mean() - rate) < 5 * deviation
    assert abs(result.mean() - 1) < 5 * deviation / (1 - rate)


def test_a_state_says_which_and_another_says_otherwise() -> None:
    x = np.ones(100)
    first, again, other = (np.asarray(ops.dropout(x, state(key), rate=0.5)) for key in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_no_rate_drops_nothing() -> None:
    x = np.random.default_rng(0).normal(size=9)
    np.testing.assert_array_equal(np.asarray(ops.dropout(x, state(1), rate=0.0)), x)


def test_infinities_are_dropped_too() -> None:
    result = np.asarray(ops.dropout(np.full(100, np.inf), state(3), rate=0.5))
    assert set(result.tolist()) == {0.0, np.inf}


def test_shared_axes_share_the_decision() -> None:
    result = np.asarray(ops.dropout(np.ones((8, 5, 6, 7)), state(1), rate=0.5, shared_axes=(1, 2)))
    np.testing.assert_array_equal(result, np.broadcast_to(result[:, :1, :1], result.shape))
    assert 0 < (result == 0).mean() < 1
