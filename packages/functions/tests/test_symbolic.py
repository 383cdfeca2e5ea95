"""Unknown sizes: arithmetic that is remembered, answers that leave guards, and numbers that never leak in silence."""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import dovetail_tensors as dt
from dovetail_functions import TensorSpec, cond, fori_loop, function, scan
from dovetail_functions.symbolic import Dim, Sizes, evaluate
from dovetail_protocols import operations as ops

BINARY = [operator.add, operator.sub, operator.mul, operator.floordiv, operator.mod]


def test_a_dim_passes_for_an_int_but_is_none_to_c_code() -> None:
    assert isinstance(Sizes([3]).dim(0), int)
    assert not issubclass(Dim, int)


@given(st.lists(st.tuples(st.sampled_from(BINARY), st.integers(1, 9), st.booleans()), max_size=6), st.integers(1, 30))
def test_arithmetic_holds_for_other_sizes(steps: list[tuple[Any, int, bool]], size: int) -> None:
    sizes = Sizes([12])

    def compute(start: Any) -> Any:
        value = start
        for function_, number, reverse in steps:
            if reverse and function_ in (operator.floordiv, operator.mod):
                continue
            value = function_(number, value) if reverse else function_(value, number)
        return value

    result = compute(sizes.dim(0))
    assert evaluate(result.expression, [12]) == compute(12) == result.hint
    assert evaluate(result.expression, [size]) == compute(size)
    assert sizes.guards == {}


def test_sums_products_minima_and_maxima_stay_symbolic() -> None:
    sizes = Sizes([3, 5])
    first, second = sizes.dim(0), sizes.dim(1)
    for compute in (math.prod, sum, max, min):
        result: Any = compute((first, second))
        assert type(result) is Dim
        assert evaluate(result.expression, [2, 7]) == compute((2, 7))
    assert sizes.hold([2, 7])  # the order of the two is as it was
    assert not sizes.hold([7, 2])


@pytest.mark.parametrize("name", ["eq", "ne", "lt", "le", "gt", "ge"])
@given(st.integers(0, 6), st.integers(0, 6), st.integers(0, 6))
def test_comparisons_answer_for_the_hint_and_leave_a_guard(name: str, hint: int, other: int, size: int) -> None:
    compare = getattr(operator, name)
    sizes = Sizes([hint])
    assert compare(sizes.dim(0), other) == compare(hint, other)
    assert sizes.hold([size]) == (compare(size, other) == compare(hint, other))


@pytest.mark.parametrize(
    "use",
    [
        int,
        float,
        operator.index,
        range,
        lambda dim: [0] * dim,
        lambda dim: "x" * dim,
        lambda dim: [1, 2, 3, 4, 5, 6][dim],
        lambda dim: [1, 2, 3, 4, 5, 6][:dim],
        lambda dim: dim / 2,
        lambda dim: dim**2,
        lambda dim: dim * 0.5,
        math.sqrt,
        np.zeros,
        np.asarray,
        lambda dim: len(_Sized(dim)),
    ],
)
def test_whatever_needs_the_number_leaves_a_guard(use: Any) -> None:
    sizes = Sizes([4])
    use(sizes.dim(0))
    assert sizes.hold([4])
    assert not sizes.hold([5])


class _Sized:
    def __init__(self, length: Any) -> None:
        self.length = length

    def __len__(self) -> int:
        return self.length  # type: ignore[no-any-return] # that is what is tested


def test_guards_are_left_only_while_the_trace_runs() -> None:
    sizes = Sizes([4])
    sizes.is_open = False
    assert sizes.dim(0) == 4
    assert sizes.guards == {}


def test_a_guard_that_fails_retraces_with_the_new_size(counting: Any) -> None:
    def halves(x: Any) -> Any:
        return x.sum() if x.shape[0] % 2 == 0 else x.sum() * 10.0

    total, traces = counting(halves, input_signature=[TensorSpec([None])])
    results = [float(total(np.ones(size, np.float32))) for size in (2, 4, 3, 6, 5)]
    assert results == [2.0, 4.0, 30.0, 6.0, 50.0]
    assert len(traces) == 2


def test_a_loop_over_an_unknown_size_is_traced_for_each(counting: Any) -> None:
    def running(x: Any) -> Any:
        total = x[0]
        for place in range(1, x.shape[0]):
            total = total + x[place]
        return total

    total, traces = counting(running, input_signature=[TensorSpec([None])])
    assert [float(total(np.ones(size, np.float32))) for size in (2, 4, 2, 4)] == [2.0, 4.0, 2.0, 4.0]
    assert len(traces) == 2


def test_relations_between_unknown_sizes(counting: Any) -> None:
    product, traces = counting(lambda a, b: a @ b, input_signature=[TensorSpec([None, None]), TensorSpec([None, None])])
    for rows, inner, columns in ((2, 3, 4), (5, 2, 7), (3, 3, 3)):
        a, b = np.ones((rows, inner), np.float32), np.ones((inner, columns), np.float32)
        np.testing.assert_array_equal(np.asarray(product(a, b)), a @ b)
    assert len(traces) == 1
    with pytest.raises(ValueError, match="inner"):
        product(np.ones((2, 3), np.float32), np.ones((4, 2), np.float32))


def test_a_concrete_function_of_sizes_that_must_agree() -> None:
    add = function(lambda a, b: a + b)
    concrete = add.get_concrete_function(TensorSpec([None]), TensorSpec([None]))
    np.testing.assert_array_equal(np.asarray(concrete(np.ones(4, np.float32), np.ones(4, np.float32))), np.full(4, 2.0))
    assert concrete.structured_outputs == TensorSpec([None])


def test_unknown_sizes_of_an_outer_trace_stay_unknown_inside(counting: Any) -> None:
    inner, inner_traces = counting(lambda x: x.sum() / x.shape[0])
    outer, outer_traces = counting(lambda x: inner(x * 2.0), input_signature=[TensorSpec([None])])
    assert [float(outer(np.ones(size, np.float32))) for size in (2, 3, 5)] == [2.0, 2.0, 2.0]
    assert (len(inner_traces), len(outer_traces)) == (1, 1)


def test_shapes_made_of_unknown_sizes() -> None:
    @function(input_signature=[TensorSpec([None, None])])
    def rearranged(x: Any) -> Any:
        rows, columns = x.shape
        flat = x.reshape((rows * columns,))
        return flat.reshape((columns, -1)), dt.zeros((rows, 2)), x[..., 1:]

    for rows, columns in ((2, 3), (4, 5)):
        x = np.arange(rows * columns, dtype=np.float32).reshape(rows, columns)
        reshaped, zeros, tail = rearranged(x)
        np.testing.assert_array_equal(np.asarray(reshaped), x.reshape(columns, rows))
        assert zeros.shape == (rows, 2)
        np.testing.assert_array_equal(np.asarray(tail), x[:, 1:])
    assert rearranged.tracing_count == 1


def test_loops_and_choices_over_unknown_sizes() -> None:
    def body(x: Any) -> Any:
        running = scan(lambda total, row: (total + row, total * x.shape[0]), dt.zeros((x.shape[1],)), x)
        doubled = cond(ops.sum(x) > 0, lambda: x * 2.0, lambda: x)
        return running, doubled, fori_loop(0, x.shape[0], lambda i, total: total + i, dt.constant(0))

    traced = function(input_signature=[TensorSpec([None, None])])(body)
    for shape in ((2, 3), (5, 2), (4, 4)):
        x = np.random.default_rng(0).uniform(size=shape).astype(np.float32)
        (total, outputs), doubled, count = traced(x)
        before = np.cumsum(x, axis=0) - x
        np.testing.assert_allclose(np.asarray(total), x.sum(axis=0), rtol=1e-6)
        np.testing.assert_allclose(np.asarray(outputs), before * shape[0], rtol=1e-5)
        np.testing.assert_array_equal(np.asarray(doubled), 2 * x)
        assert int(count) == sum(range(shape[0]))
    assert traced.tracing_count == 1
