"""Random numbers on real arrays: their exact derivation from bits, and their distributions."""

from __future__ import annotations

from collections.abc import Mapping
from math import erf, inf, log, sqrt
from typing import Any

import numpy as np
import pytest

from dovetail_protocols import dtypes as dt
from dovetail_protocols import operations as ops
from dovetail_protocols import provider
from dovetail_protocols.dispatch import apply_under, interpreting
from dovetail_protocols.operation import Operation
from dovetail_protocols.operations.distributions import blocks_for

COUNT = 40_000
STATE = [0, 0, 12345]
FLOATING = ["random_uniform", "random_normal", "random_truncated_normal", "random_exponential", "random_gumbel"]


def state(numbers: Any = STATE) -> Any:
    return provider().convert(np.asarray(numbers, dtype=np.uint64))


def draw(name: str, *operands: Any, given: Any = STATE, **attributes: Any) -> Any:
    return np.asarray(getattr(ops, name)(state(given), *operands, **attributes))


def words(count: int, dtype: dt.DType = dt.uint32, given: Any = STATE) -> Any:
    return draw("random_bits", shape=(count,), dtype=dtype, given=given)


def normal_cdf(x: Any) -> Any:
    return np.array([0.5 + 0.5 * erf(one / sqrt(2)) for one in np.ravel(x)])


def assert_distributed(samples: Any, cdf: Any) -> None:
    """Kolmogorov–Smirnov: the greatest distance between the empirical distribution and the true one stays below
    1.95 / √n, which it exceeds with probability 0.001."""
    ordered = np.sort(np.asarray(samples, dtype=np.float64))
    expected, count = cdf(ordered), len(ordered)
    above = np.arange(1, count + 1) / count - expected
    assert max(above.max(), (1 / count - above).max()) < 1.95 / sqrt(count)


# ---------------------------------------------------------------------- exactly from bits


@pytest.mark.parametrize(
    ("dtype", "bits", "precision"),
    [
        (dt.float32, dt.uint32, 24),
        (dt.float64, dt.uint64, 53),
        (dt.float16, dt.uint32, 11),
        (dt.bfloat16, dt.uint32, 8),
    ],
)
def test_random_uniform_is_the_upper_bits_of_each_word(dtype: dt.DType, bits: dt.DType, precision: int) -> None:
    drawn = draw("random_uniform", shape=(50, 20), dtype=dtype)
    width = 8 * bits.size_bytes
    expected = (words(1000, bits) >> (width - precision)).astype(np.float64) * 2.0**-precision
    assert str(drawn.dtype) == dtype.name
    np.testing.assert_array_equal(drawn.astype(np.float64).ravel(), expected)


def test_random_bernoulli_compares_words_with_a_threshold() -> None:
    drawn = draw("random_bernoulli", shape=(1000,), probability=0.3)
    np.testing.assert_array_equal(drawn, words(1000) < round(0.3 * 2**32))
    assert draw("random_bernoulli", shape=(1000,), probability=1.0).all()
    assert not draw("random_bernoulli", shape=(1000,), probability=0.0).any()


def test_random_integers_are_remainders_of_two_words() -> None:
    drawn = draw("random_integers", shape=(1000,), minimum=-5, maximum=8)
    expected = [-5 + int(word) % 13 for word in words(1000, dt.uint64)]
    assert drawn.dtype == np.int32
    assert drawn.tolist() == expected


@pytest.mark.parametrize(
    ("dtype", "minimum", "maximum"),
    [("int8", -128, 128), ("uint8", 0, 256), ("int64", -(2**63), 2**63), ("uint64", 0, 2**64), ("int32", -(2**31), 5)],
)
def test_random_integers_reach_all_of_a_dtype(dtype: str, minimum: int, maximum: int) -> None:
    drawn = draw("random_integers", shape=(2000,), minimum=minimum, maximum=maximum, dtype=dt.dtype(dtype))
    expected = [minimum + int(word) % (maximum - minimum) for word in words(2000, dt.uint64)]
    assert drawn.dtype == dtype
    assert drawn.tolist() == expected


def test_random_normal_is_box_mullers_first_half() -> None:
    drawn = draw("random_normal", shape=(100, 10), dtype=dt.float64, mean=2.0, standard_deviation=3.0)
    first = (words(1000, dt.uint64).astype(np.float64) + 0.5) * 2.0**-64
    second = (words(1000, dt.uint64, given=[500, 0, 12345]) >> 11).astype(np.float64) * 2.0**-53
    expected = 2.0 + 3.0 * np.sqrt(-2 * np.log(first)) * np.cos(2 * np.pi * second)
    np.testing.assert_allclose(drawn.ravel(), expected, rtol=1e-12, atol=1e-12)


# ---------------------------------------------------------------------- distributions


@pytest.mark.parametrize("dtype", [dt.float32, dt.float64])
def test_samples_follow_their_distributions(dtype: dt.DType) -> None:
    shape = (COUNT,)
    low, high = normal_cdf([-1.0, 0.5])
    for name, attributes, cdf in (
        ("random_uniform", {"minimum": -2.0, "maximum": 3.0}, lambda x: (x + 2) / 5),
        ("random_normal", {"mean": 1.0, "standard_deviation": 2.0}, lambda x: normal_cdf((x - 1) / 2)),
        ("random_truncated_normal", {"lower": -1.0, "upper": 0.5}, lambda x: (normal_cdf(x) - low) / (high - low)),
        ("random_exponential", {}, lambda x: 1 - np.exp(-x)),
        ("random_gumbel", {}, lambda x: np.exp(-np.exp(-x))),
    ):
        assert_distributed(draw(name, shape=shape, dtype=dtype, **attributes), cdf)


def test_the_test_of_distributions_sees_a_wrong_one() -> None:
    with pytest.raises(AssertionError):
        assert_distributed(draw("random_normal", shape=(COUNT,), mean=0.05), normal_cdf)


@pytest.mark.parametrize(
    ("lower", "upper"), [(-2.0, 2.0), (0.0, inf), (-inf, -1.0), (4.0, 5.0), (-8.0, -6.0), (3.0, 3.01)]
)
def test_random_truncated_normal_stays_inside(lower: float, upper: float) -> None:
    drawn = draw("random_truncated_normal", shape=(5000,), lower=lower, upper=upper)
    assert drawn.dtype == np.float32
    assert np.isfinite(drawn).all()
    assert drawn.min() >= lower
    assert drawn.max() <= upper
    assert len(np.unique(drawn)) > 1000


@pytest.mark.parametrize("name", FLOATING)
@pytest.mark.parametrize("dtype", [dt.float16, dt.bfloat16, dt.float32, dt.float64])
def test_floating_samples_are_finite_and_of_the_asked_dtype(name: str, dtype: dt.DType) -> None:
    drawn = draw(name, shape=(200, 50), dtype=dtype)
    assert str(drawn.dtype) == dtype.name
    assert np.isfinite(drawn.astype(np.float64)).all()
    assert draw(name, shape=(0, 3), dtype=dtype).shape == (0, 3)
    assert draw(name, shape=(), dtype=dtype).shape == ()


def test_random_categorical_has_the_frequencies_of_softmax() -> None:
    logits = provider().convert(np.log(np.array([[0.1, 0.2, 0.7, 1e-30], [0.25, 0.25, 0.5, 1e-30]], dtype=np.float32)))
    drawn = draw("random_categorical", logits, num_samples=10_000)
    assert drawn.shape == (2, 10_000)
    frequencies = np.stack([np.bincount(row, minlength=4) for row in drawn]) / 10_000
    np.testing.assert_allclose(frequencies, [[0.1, 0.2, 0.7, 0], [0.25, 0.25, 0.5, 0]], atol=5 * 0.5 / sqrt(10_000))


def test_random_permutation_is_a_permutation_and_every_order_comes_up() -> None:
    drawn = draw("random_permutation", count=1000)
    assert sorted(drawn.tolist()) == list(range(1000))
    assert drawn.tolist() != list(range(1000))
    states = np.asarray(ops.random_split(state(), count=6000))
    orders, counts = np.unique(draw("random_permutation", given=states, count=3), axis=0, return_counts=True)
    assert len(orders) == 6
    np.testing.assert_allclose(counts / 6000, 1 / 6, atol=5 * sqrt(5 / 36 / 6000))


def test_random_shuffle_moves_slices_of_one_axis() -> None:
    x = np.arange(60).reshape(3, 20)
    order = draw("random_permutation", count=20)
    np.testing.assert_array_equal(draw("random_shuffle", provider().convert(x), axis=1), x[:, order])


# ---------------------------------------------------------------------- states


def test_children_are_what_their_documentation_says() -> None:
    """Written out in Python's integers: node, then child i from the node's counter + i · 2⁶⁴."""
    low, high, key = 7, 2**64 - 1, 99
    node = [int(number) for number in words(3, dt.uint64, given=[low, (high + 2**63) % 2**64, key])]
    children = [words(3, dt.uint64, given=[node[0], (node[1] + child) % 2**64, node[2]]).tolist() for child in range(4)]
    assert draw("random_split", given=[low, high, key], count=4).tolist() == children
    folded = draw("random_fold_in", provider().convert([[0, 3], [2, 1]]), given=[low, high, key])
    assert folded.tolist() == [[children[0], children[3]], [children[2], children[1]]]


def test_split_of_a_batch_of_states_splits_each() -> None:
    states = [[1, 2, 3], [4, 5, 6]]
    together = draw("random_split", given=states, count=3)
    np.testing.assert_array_equal(together, [draw("random_split", given=one, count=3) for one in states])
    assert draw("random_split", count=0).shape == (0, 3)


def test_children_of_neighbors_and_of_moved_states_differ() -> None:
    states = np.asarray(
        [
            draw("random_fold_in", provider().convert(number), given=[moved, 0, 7])
            for moved in range(20)
            for number in range(20)
        ]
    )
    for part in (states, states[:, :1], states[:, 2:]):
        assert len(np.unique(part, axis=0)) == 400


def test_streams_of_children_are_uncorrelated() -> None:
    states = np.asarray(ops.random_split(state(), count=20))
    drawn = draw("random_normal", given=states, shape=(5000,), dtype=dt.float64)
    correlations = np.corrcoef(np.concatenate([drawn, [draw("random_normal", shape=(5000,), dtype=dt.float64)]]))
    assert np.abs(correlations - np.eye(21)).max() < 5 / sqrt(5000)


@pytest.mark.parametrize("blocks", [0, 1, -1, 2**64, 2**127 + 5, -(2**70)])
@pytest.mark.parametrize("given", [[5, 6, 7], [2**64 - 1, 2**64 - 1, 2**64 - 1], [0, 0, 0]])
def test_the_decomposition_of_random_advance_equals_its_kernel(given: list[int], blocks: int) -> None:
    batch = state([given, [1, 2, 3]])
    decomposed = ops.random_advance.decompose(batch, blocks=blocks)
    np.testing.assert_array_equal(np.asarray(decomposed), np.asarray(ops.random_advance(batch, blocks=blocks)))


class FixedBits:
    """Interpreter under which all random bits are 0, or all are 1."""

    def __init__(self, bit: int) -> None:
        self.bit = bit

    def apply(self, operation: Operation, operands: tuple[Any, ...], attributes: Mapping[str, Any]) -> Any:
        if operation is ops.random_bits:
            dtype = np.dtype(attributes["dtype"].name)
            return provider().convert(np.full(attributes["shape"], np.iinfo(dtype).max * self.bit, dtype))
        if not operation.is_primitive:
            return operation.decompose(*operands, **attributes)
        return apply_under(None, operation, operands, attributes)


EXTREMES = {
    # name: the value for bits of 0, and of 1, in float32
    "random_uniform": (0.0, 1.0 - 2.0**-24),
    "random_normal": (sqrt(66 * log(2)), 0.0),
    "random_truncated_normal": (-2.0, 2.0),
    "random_exponential": (33 * log(2), 0.0),
    "random_gumbel": (-log(24 * log(2)), 24 * log(2)),
}


@pytest.mark.parametrize("bit", [0, 1])
@pytest.mark.parametrize("name", FLOATING)
def test_the_ends_of_a_range_are_finite_and_where_the_formula_has_them(name: str, bit: int) -> None:
    with interpreting(FixedBits(bit)):
        drawn = float(getattr(ops, name)(state(), shape=(1,))[0])
    assert drawn == pytest.approx(EXTREMES[name][bit], rel=1e-5, abs=1e-5)


def test_equal_bits_keep_the_order_of_a_permutation() -> None:
    with interpreting(FixedBits(0)):
        assert np.asarray(ops.random_permutation(state(), count=100)).tolist() == list(range(100))


class DrawingWatcher:
    """Interpreter that notes where, in words from counter 0, each draw of bits ends."""

    def __init__(self) -> None:
        self.ends = [0]

    def apply(self, operation: Operation, operands: tuple[Any, ...], attributes: Mapping[str, Any]) -> Any:
        if not operation.is_primitive:
            return operation.decompose(*operands, **attributes)
        if operation is ops.random_bits:
            count = int(np.prod(attributes["shape"])) * attributes["dtype"].size_bytes // 4
            self.ends.append(4 * int(np.asarray(operands[0])[0]) + count)
        return apply_under(None, operation, operands, attributes)


@pytest.mark.parametrize("dtype", [dt.float32, dt.float64])
@pytest.mark.parametrize("name", FLOATING)
def test_no_distribution_draws_beyond_its_blocks(name: str, dtype: dt.DType) -> None:
    for count in (0, 1, 2, 3, 4, 5, 8, 9, 100):
        watcher = DrawingWatcher()
        with interpreting(watcher):
            getattr(ops, name)(state([0, 0, 1]), shape=(count,), dtype=dtype)
        assert (count > 0) <= max(watcher.ends) <= 4 * blocks_for(count)
