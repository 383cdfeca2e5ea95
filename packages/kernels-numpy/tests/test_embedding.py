"""Rows of a table by number, and the sums that their gradient is."""

from __future__ import annotations

import numpy as np
import pytest

from dovetail_protocols import operations as ops
from dovetail_protocols.errors import IndexRangeError


@pytest.mark.parametrize("dtype", ["int32", "uint8", "int64"])
def test_embedding_gives_rows(dtype: str) -> None:
    table, indices = np.random.default_rng(0).normal(size=(5, 2, 3)), np.array([[4, 0], [1, 4]], dtype)
    np.testing.assert_array_equal(np.asarray(ops.embedding(table, indices)), table[indices])


def test_negative_indices_count_from_the_end() -> None:
    table = np.arange(6.0).reshape(3, 2)
    np.testing.assert_array_equal(np.asarray(ops.embedding(table, [-1, -3])), table[[-1, -3]])


@pytest.mark.parametrize("index", [3, -4])
def test_an_index_out_of_range_raises(index: int) -> None:
    with pytest.raises(IndexRangeError, match=rf"embedding: index {index} is out of range .* of size 3"):
        ops.embedding(np.zeros((3, 2)), [0, index])
    with pytest.raises(IndexRangeError, match=f"index {index} is out of range"):
        ops.embedding_gradient(np.zeros((2, 2)), [0, index], size=3)


@pytest.mark.parametrize("features", [(), (3,), (2, 3)])
def test_the_gradient_sums_the_cotangents_of_each_row(features: tuple[int, ...]) -> None:
    random = np.random.default_rng(1)
    indices, cotangent = random.integers(-6, 6, (4, 5)), random.normal(size=(4, 5, *features))
    expected = np.zeros((6, *features))
    for place in np.ndindex(4, 5):
        expected[indices[place]] += cotangent[place]
    np.testing.assert_allclose(
        np.asarray(ops.embedding_gradient(cotangent, indices, size=6)), expected, rtol=1e-12, atol=1e-14
    )


def test_the_gradient_of_many_equal_indices_is_summed_in_float32() -> None:
    """1000 ones: bfloat16 would stop counting at 256."""
    ones = ops.full(shape=(1000, 1), fill_value=1, dtype="bfloat16")
    result = ops.embedding_gradient(ones, np.zeros(1000, np.int32), size=2)
    np.testing.assert_array_equal(np.asarray(ops.cast(result, dtype="float32")), [[1000], [0]])


def test_no_indices_give_zeros() -> None:
    result = ops.embedding_gradient(np.zeros((0, 3)), np.zeros(0, np.int32), size=2)
    np.testing.assert_array_equal(np.asarray(result), np.zeros((2, 3)))
