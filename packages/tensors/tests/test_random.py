"""Generators and stateless functions; the bits themselves are tested with their operation."""

from __future__ import annotations

import copy
import pickle
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

import dovetail_tensors as dt
from dovetail_protocols import operations as ops
from dovetail_protocols.errors import AttributeValueError, ShapeError
from dovetail_protocols.roles import SupportsCheckpoint
from dovetail_protocols.seeds import fresh_key
from dovetail_protocols.tracing import trace
from dovetail_tensors.random import Generator


def test_same_seed_same_stream() -> None:
    first, second = Generator(7), Generator.from_seed(7)
    for _ in range(3):
        assert (first.normal((4,)) == second.normal((4,))).all()
    assert not (Generator(7).normal((4,)) == Generator(8).normal((4,))).any()


def test_draws_differ_and_reset_starts_again() -> None:
    g = Generator(3)
    first, second = g.uniform((8,)), g.uniform((8,))
    assert not (first == second).any()
    g.reset_from_seed(3)
    assert (g.uniform((8,)) == first).all()
    g.reset(Generator(3).state)
    assert (g.uniform((8,)) == first).all()


def test_consecutive_draws_use_disjoint_blocks() -> None:
    g = Generator(5)
    before = g.state.tolist()
    g.normal((100,), dtype="float64")
    after = g.state.tolist()
    # Box-Muller in float64 takes two uint64, one block, for each element.
    assert after[0] - before[0] >= 100
    assert after[2] == before[2]


def test_the_first_uniform_is_that_of_the_operation() -> None:
    state = dt.constant([0, 0, 11], "uint64")
    assert (Generator(11).uniform((5,)) == ops.random_uniform(state, shape=(5,))).all()
    assert (dt.random.stateless_uniform((5,), seed=11) == ops.random_uniform(state, shape=(5,))).all()


def test_split_is_independent_of_parent_and_siblings() -> None:
    parent = Generator(1)
    children = parent.split(3)
    draws = [tuple(g.integers((4,), 0, 2**31 - 1).tolist()) for g in (parent, *children, *parent.split(2))]
    assert len(set(draws)) == 6
    again = Generator(1).split(3)
    assert [tuple(g.integers((4,), 0, 2**31 - 1).tolist()) for g in again] == draws[1:4]


def test_checkpoint_resumes_the_stream() -> None:
    g = Generator(4)
    g.normal((3,))
    assert isinstance(g, SupportsCheckpoint)
    (saved,) = (variable.numpy().copy() for variable in g.checkpoint_state().values())
    expected = g.normal((3,))
    other = Generator(99)
    other.checkpoint_state()["state"].replace(saved)
    other.load_checkpoint_state({})
    assert (other.normal((3,)) == expected).all()


def test_copies_and_pickles_go_on_alone() -> None:
    g = Generator(2)
    others = [copy.deepcopy(g), pickle.loads(pickle.dumps(g)), Generator.from_state(g.state)]
    expected = g.uniform((2,)).tolist()
    assert all(other.uniform((2,)).tolist() == expected for other in others)


@pytest.mark.parametrize(
    ("draw", "low", "high", "dtype"),
    [
        (lambda g: g.uniform((2000,)), 0, 1, dt.float32),
        (lambda g: g.uniform((2000,), -3, 5, "float64"), -3, 5, dt.float64),
        (lambda g: g.uniform((2000,), 2, 9, "int32"), 2, 8, dt.int32),
        (lambda g: g.integers((2000,), -4, 4), -4, 3, dt.int32),
        (lambda g: g.truncated_normal((2000,), mean=1.0, stddev=2.0), -3, 5, dt.float32),
        (lambda g: g.exponential((2000,)), 0, np.inf, dt.float32),
        (lambda g: g.permutation(100), 0, 99, dt.int64),
    ],
)
def test_range_and_dtype(draw: Any, low: float, high: float, dtype: Any) -> None:
    drawn = draw(Generator(0))
    assert drawn.dtype is dtype
    assert drawn.numpy().min() >= low
    assert drawn.numpy().max() <= high


def test_moments() -> None:
    # Standard error of the mean of 20,000 draws is about 0.007; bounds are 5 of them.
    g = Generator(12)
    normal = g.normal((20_000,), mean=2.0, stddev=3.0).numpy()
    assert abs(normal.mean() - 2.0) < 0.11
    assert abs(normal.std() - 3.0) < 0.08
    assert abs(g.bernoulli((20_000,), 0.3).numpy().mean() - 0.3) < 0.017
    assert abs(g.gumbel((20_000,)).numpy().mean() - np.euler_gamma) < 0.046


def test_categorical_shuffle_and_permutation() -> None:
    g = Generator(6)
    drawn = g.categorical(dt.constant([[0.0, -100.0], [-100.0, 0.0]]), 5)
    assert drawn.tolist() == [[0] * 5, [1] * 5]
    x = dt.arange(50)
    shuffled = g.shuffle(x)
    assert shuffled.tolist() != x.tolist()
    assert sorted(shuffled.tolist()) == x.tolist()
    assert sorted(g.permutation(20).tolist()) == list(range(20))
    assert sorted(dt.random.stateless_shuffle(x, seed=1).tolist()) == x.tolist()


def test_stateless_functions_repeat_themselves() -> None:
    for draw in (
        lambda seed: dt.random.stateless_normal((3,), seed),
        lambda seed: dt.random.stateless_uniform((3,), seed),
        lambda seed: dt.random.stateless_truncated_normal((3,), seed),
        lambda seed: dt.random.stateless_integers((3,), seed, 0, 1000),
        lambda seed: dt.random.stateless_bernoulli((64,), seed),
        lambda seed: dt.random.stateless_permutation(9, seed),
        lambda seed: dt.random.stateless_categorical(dt.zeros((9,)), 9, seed),
    ):
        assert draw((1, 2)).tolist() == draw([1, 2]).tolist() == draw(dt.constant([1, 2])).tolist()
        assert draw(1).tolist() != draw(2).tolist()


def test_split_and_fold_in_name_the_same_children() -> None:
    children = dt.random.split(5, 4)
    assert children.shape == (4, 3)
    assert dt.random.fold_in(5, 2).tolist() == children[2].tolist()
    assert Generator(5).make_seeds(2).tolist() == children[:2].tolist()


def test_the_global_generator() -> None:
    dt.random.set_seed(1)
    first = dt.random.normal((3,)).tolist()
    dt.random.set_seed(1)
    assert dt.random.normal((3,)).tolist() == first
    mine = Generator(1)
    dt.random.set_global_generator(mine)
    assert dt.random.get_global_generator() is mine
    assert dt.random.normal((3,)).tolist() == first
    assert dt.random.uniform((2,), maxval=10, dtype="int64").dtype is dt.int64


@pytest.mark.parametrize("seed", [3, -1, 2**70, (4, 5)])
def test_set_seed_makes_the_keys_of_the_process_repeatable(seed: Any) -> None:
    def keys() -> list[int]:
        dt.random.set_seed(seed)
        return [fresh_key() for _ in range(3)]

    first = keys()
    assert keys() == first
    assert len(set(first)) == 3
    dt.random.set_seed(8)
    assert fresh_key() not in first


def test_drawing_in_a_trace_moves_the_state_when_it_runs() -> None:
    g = Generator(1)
    before = g.state.tolist()
    traced = trace(lambda: [g.uniform((2,))], [])
    assert traced.assigned == (g.state,)
    assert g.state.tolist() == before


def test_unseeded_generators_differ() -> None:
    assert Generator().state.tolist() != Generator().state.tolist()


def test_threads_share_a_generator() -> None:
    g = Generator(1)
    with ThreadPoolExecutor(8) as pool:
        draws = list(pool.map(lambda _: tuple(g.integers((4,), 0, 2**31 - 1).tolist()), range(64)))
    assert len(set(draws)) == 64


def test_refusals() -> None:
    with pytest.raises(ShapeError, match="no random seed"):
        Generator([1, 2, 3, 4])
    with pytest.raises(ShapeError, match="no random seed"):
        dt.random.stateless_uniform((1,), seed=1.5)
    with pytest.raises(AttributeValueError, match="need maxval"):
        Generator(1).uniform((1,), dtype="int32")
