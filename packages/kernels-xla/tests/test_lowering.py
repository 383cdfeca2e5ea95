"""Where the standard and JAX differ, the standard is followed."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from dovetail_kernels_xla.kernels import bind
from dovetail_kernels_xla.lowering import LOWERINGS
from dovetail_protocols import CallMeta
from dovetail_protocols import operations as ops
from dovetail_protocols.binding import bind_attributes
from dovetail_protocols.metas import Device
from dovetail_protocols.registry import all_operations

Run = Callable[..., Any]
NAN, INF = float("nan"), float("inf")


def test_every_primitive_of_the_standard_is_lowered_or_looks_at_values() -> None:
    eager = {"nonzero", "print", "repeat_indices"} | {
        f"unique_{what}" for what in ("all", "counts", "inverse", "values")
    }
    variables = {"read_variable", "assign_variable"}
    primitives = {one for one in all_operations() if one.is_primitive and one.name.startswith("dovetail::")}
    assert {one.short_name for one in primitives - set(LOWERINGS)} == eager | variables


def test_integers_divided_by_zero_give_zero(run: Run) -> None:
    x, y = np.array([7, -7, 0, -(2**31)], np.int32), np.array([0, 0, 0, -1], np.int32)
    assert run(ops.floor_divide, x, y).tolist() == [0, 0, 0, -(2**31)]
    assert run(ops.remainder, x, y).tolist() == [0, 0, 0, 0]


def test_quotients_round_down_and_remainders_take_the_divisor_s_sign(run: Run) -> None:
    x, y = np.array([7, -7, 7, -7], np.int32), np.array([2, 2, -2, -2], np.int32)
    for kind in (np.int32, np.float32):
        assert run(ops.floor_divide, x.astype(kind), y.astype(kind)).tolist() == [3, -4, -4, 3]
        assert run(ops.remainder, x.astype(kind), y.astype(kind)).tolist() == [1, 1, -1, -1]


def test_infinite_quotients_stay_infinite(run: Run) -> None:
    assert run(ops.floor_divide, np.array([INF, -INF, 1.0]), np.array([2.0, 2.0, 0.0])).tolist() == [INF, -INF, INF]


def test_halves_are_rounded_to_even(run: Run) -> None:
    assert run(ops.round, np.array([0.5, 1.5, 2.5, -0.5])).tolist() == [0.0, 2.0, 2.0, -0.0]


def test_nan_is_kept_by_extremes_and_sorted_last(run: Run) -> None:
    x = np.array([2.0, NAN, 1.0], np.float32)
    assert np.isnan(run(ops.max, x))
    assert np.isnan(run(ops.min, x))
    assert run(ops.argmax, x) == run(ops.argmin, x) == 1
    assert np.isnan(run(ops.sort, x)).tolist() == [False, False, True]
    assert np.isnan(run(ops.sort, x, descending=True)).tolist() == [True, False, False]


def test_equal_elements_keep_their_order_either_way(run: Run) -> None:
    x = np.array([3, 1, 3, 1], np.int32)
    assert run(ops.argsort, x).tolist() == [1, 3, 0, 2]
    assert run(ops.argsort, x, descending=True).tolist() == [0, 2, 1, 3]


def test_an_index_out_of_range_reads_the_nearest_and_writes_nothing(run: Run) -> None:
    x = np.array([1.0, 2.0, 3.0])
    for kind in (np.int8, np.int64, np.uint64):
        assert run(ops.take, x, np.array([9, 0], kind), axis=0).tolist() == [3.0, 1.0]
    assert run(ops.take, x, np.array([-1, -3, -9]), axis=0).tolist() == [3.0, 1.0, 1.0]
    updates = np.array([5.0, 6.0])
    assert run(ops.scatter, x, np.array([[9], [-1]]), updates, mode="add").tolist() == [1.0, 2.0, 9.0]
    assert run(ops.scatter, x, np.array([[9], [-1]]), updates).tolist() == [1.0, 2.0, 6.0]


def test_the_last_of_repeated_updates_stays(run: Run) -> None:
    many = np.arange(100, dtype=np.float32)
    assert run(ops.scatter, np.zeros(2, np.float32), np.ones((100, 1), np.int32), many).tolist() == [0.0, 99.0]
    places = np.zeros((1, 100), np.int32)
    assert run(ops.put_along_axis, np.zeros((1, 2), np.float32), places, many[None], axis=1).tolist() == [[99.0, 0.0]]


def test_scattered_truths_are_joined(run: Run) -> None:
    x, places = np.array([False, True]), np.array([[0], [1]])
    assert run(ops.scatter, x, places, np.array([True, False]), mode="add").tolist() == [True, True]
    assert run(ops.scatter, x, places, np.array([True, False]), mode="min").tolist() == [False, False]


def test_slices_with_negative_steps_and_their_adjoint(run: Run) -> None:
    x = np.arange(24).reshape(4, 6)
    bounds: dict[str, Any] = {"starts": (None, 5), "stops": (None, 0), "strides": (-2, -3)}
    taken = run(ops.slice, x, **bounds)
    assert taken.tolist() == x[::-2, 5:0:-3].tolist()
    back = run(ops.scatter_slice, taken, shape=(4, 6), **bounds)
    expected = np.zeros_like(x)
    expected[::-2, 5:0:-3] = taken
    assert back.tolist() == expected.tolist()


def test_sums_in_narrow_dtypes_do_not_stop_growing(run: Run) -> None:
    for kind in (np.float16, ml_dtypes.bfloat16):
        assert float(run(ops.sum, np.ones(4096, kind))) == 4096
        assert float(run(ops.scatter_nd, np.zeros((1000, 1), np.int32), np.ones(1000, kind), shape=(1,))[0]) == 1000


def test_nothing_is_computed_in_32_bits_where_64_are_meant(run: Run) -> None:
    assert float(run(ops.add, np.array(1.0), np.array(1e-12))) == 1.0 + 1e-12
    assert int(run(ops.add, np.array(2**40), np.array(1))) == 2**40 + 1
    numbers = run(ops.arange, start=2**33, stop=2**33 + 300, dtype="int64")
    assert (numbers.dtype, numbers.tolist()) == (np.int64, list(range(2**33, 2**33 + 300)))


def test_random_bits_are_those_of_the_published_examples(run: Run) -> None:
    # Random123, kat_vectors: philox4x32 10 with counter and key 0, and with all bits set.
    zeros, ones = np.zeros(3, np.uint64), np.full(3, 2**64 - 1, np.uint64)
    drawn = run(ops.random_bits, np.stack([zeros, ones]), shape=(4,), dtype="uint32")
    assert [f"{word:08x}" for word in drawn[0]] == ["6627e8d5", "e169c58d", "bc57ac4c", "9b00dbd8"]
    assert [f"{word:08x}" for word in drawn[1]] == ["408f276d", "41c83b0e", "a20bc7c6", "6d5451fd"]


def test_random_counters_carry_into_their_high_half(run: Run) -> None:
    state = np.array([2**64 - 1, 0, 7], np.uint64)
    after = np.array([0, 1, 7], np.uint64)
    both = run(ops.random_bits, state, shape=(8,), dtype="uint32")
    assert both[4:].tolist() == run(ops.random_bits, after, shape=(4,), dtype="uint32").tolist()


def test_narrower_and_wider_random_bits_are_the_same_stream(run: Run) -> None:
    state = np.array([5, 6, 7], np.uint64)
    words = run(ops.random_bits, state, shape=(4,), dtype="uint32")
    assert run(ops.random_bits, state, shape=(16,), dtype="uint8").tobytes() == words.tobytes()
    assert run(ops.random_bits, state, shape=(2,), dtype="uint64").tobytes() == words.tobytes()


def test_neighbors_of_zero_and_of_infinity(run: Run) -> None:
    x, y = np.array([0.0, 0.0, INF, 1.0], np.float32), np.array([1.0, -1.0, 0.0, 1.0], np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # NumPy tells of the subnormal numbers
        assert run(ops.nextafter, x, y).tolist() == np.nextafter(x, y).tolist()


@pytest.mark.parametrize("shape", [(), (0,), (2, 0)])
def test_reductions_of_nothing_and_of_one_number(run: Run, shape: tuple[int, ...]) -> None:
    x = np.ones(shape, np.float32)
    assert (float(run(ops.sum, x)), float(run(ops.prod, x))) == (x.sum(), 1.0)
    assert bool(run(ops.all, x))
    assert bool(run(ops.any, x)) == bool(x.size)


def test_values_decide_shapes_where_jax_runs_at_once(run: Run) -> None:
    x = np.array([3, 0, 3, 1], np.int32)
    (places,) = run(ops.nonzero, x)
    assert (places.tolist(), places.dtype) == ([0, 2, 3], np.int64)
    values, first, inverse, counts = run(ops.unique_all, x)
    assert (values.tolist(), first.tolist(), inverse.tolist(), counts.tolist()) == (
        [0, 1, 3],
        [1, 3, 0],
        [2, 0, 2, 1],
        [1, 1, 2],
    )
    assert run(ops.repeat_indices, np.array([2, 0, 1])).tolist() == [0, 0, 2]


def test_the_gradient_of_pooling_goes_to_the_first_of_equals(run: Run) -> None:
    x = np.array([1.0, 1.0, 0.0, 2.0], np.float32).reshape(1, 4, 1)
    cotangent = np.array([3.0, 5.0], np.float32).reshape(1, 2, 1)
    assert run(ops.max_pool_gradient, cotangent, x, window=2).reshape(-1).tolist() == [3.0, 0.0, 0.0, 5.0]


def test_equal_calls_have_one_kernel_and_others_their_own() -> None:
    def kernel(value: float, size: int) -> Any:
        attributes = bind_attributes(ops.full, {"shape": (size,), "fill_value": value, "device": Device("xla")})
        return bind(CallMeta(ops.full, (), attributes, (ops.full.infer((), attributes),)))

    assert kernel(0.0, 2) is kernel(0.0, 2)
    assert kernel(0.0, 2) is not kernel(0.0, 3)
    assert np.signbit(kernel(-0.0, 2)()).all()
    assert not np.signbit(kernel(0.0, 2)()).any()
