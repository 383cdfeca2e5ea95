"""Searching, sorting and distinct elements against NumPy and Python's sorted."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from dovetail_protocols import operations as ops

SMALL = hnp.arrays(
    np.float32,
    hnp.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=5),
    elements=st.sampled_from([-1.0, -0.0, 0.0, 0.5, 2.0, math.inf]),
)


@given(x=SMALL, data=st.data())
def test_extremes(compute, x, data):
    axis = data.draw(st.none() | st.integers(-x.ndim, x.ndim - 1))
    for keepdims in (False, True):
        found = compute(ops.argmax, x, axis=axis, keepdims=keepdims)
        np.testing.assert_array_equal(found, np.argmax(x, axis, keepdims=keepdims))
        found = compute(ops.argmin, x, axis=axis, keepdims=keepdims)
        np.testing.assert_array_equal(found, np.argmin(x, axis, keepdims=keepdims))


def test_nan_is_found_first(compute):
    x = np.array([1.0, math.nan, 3.0, math.nan])
    assert compute(ops.argmax, x) == compute(ops.argmin, x) == 1


@given(x=SMALL, data=st.data())
def test_order(compute, x, data):
    axis = data.draw(st.integers(-x.ndim, x.ndim - 1))
    for descending in (False, True):
        order = compute(ops.argsort, x, axis=axis, descending=descending)
        ordered = compute(ops.sort, x, axis=axis, descending=descending)
        assert order.dtype == np.int64
        for found, values, line in zip(
            np.moveaxis(order, axis, -1).reshape(-1, x.shape[axis]),
            np.moveaxis(ordered, axis, -1).reshape(-1, x.shape[axis]),
            np.moveaxis(x, axis, -1).reshape(-1, x.shape[axis]),
            strict=True,
        ):
            expected = sorted(range(len(line)), key=lambda k, line=line: line[k], reverse=descending)
            np.testing.assert_array_equal(found, expected)
            assert values.tobytes() == line[expected].tobytes()


def test_sorting_counts_nan_as_greatest(compute):
    x = np.array([2.0, math.nan, 1.0])
    np.testing.assert_array_equal(compute(ops.sort, x), [1.0, 2.0, math.nan])
    np.testing.assert_array_equal(compute(ops.sort, x, descending=True), [math.nan, 2.0, 1.0])
    np.testing.assert_array_equal(compute(ops.argsort, x, descending=True, stable=False), [1, 0, 2])


@given(x=SMALL, data=st.data())
def test_top_k_gives_the_earliest_of_equals(decomposed, x, data):
    k = data.draw(st.integers(0, x.shape[-1]))
    values, indices = decomposed(ops.top_k, x, k=k)
    for found, places, line in (
        zip(values.reshape(-1, k), indices.reshape(-1, k), x.reshape(-1, x.shape[-1]), strict=True) if k else ()
    ):
        expected = sorted(range(len(line)), key=lambda place, line=line: -line[place])[:k]
        np.testing.assert_array_equal(places, expected)
        np.testing.assert_array_equal(found, line[expected])
    assert values.shape == (*x.shape[:-1], k)


@pytest.mark.parametrize("side", ["left", "right"])
def test_searchsorted(compute, side):
    ascending, wanted = np.array([1.0, 2.0, 2.0, 5.0]), np.array([[0.0, 2.0], [5.0, 9.0]])
    expected = np.searchsorted(ascending, wanted, side)
    np.testing.assert_array_equal(compute(ops.searchsorted, ascending, wanted, side=side), expected)
    sorter = np.array([3, 1, 0, 2], np.uint64)
    np.testing.assert_array_equal(
        compute(ops.searchsorted, ascending[[2, 1, 3, 0]], wanted, sorter, side=side),
        np.searchsorted(ascending[[2, 1, 3, 0]], wanted, side, sorter.astype(int)),
    )


@given(x=SMALL)
def test_distinct_elements(compute, x):
    values, indices, inverse, counts = compute(ops.unique_all, x)
    flat = x.reshape(-1).tolist()
    assert values.tolist() == sorted(set(flat))
    assert counts.tolist() == [flat.count(value) for value in values]
    assert indices.tolist() == [flat.index(value) for value in values]
    np.testing.assert_array_equal(values[inverse], x)
    np.testing.assert_array_equal(compute(ops.unique_values, x), values)
    for operation, second in ((ops.unique_counts, counts), (ops.unique_inverse, inverse)):
        first, found = compute(operation, x)
        np.testing.assert_array_equal(first, values)
        np.testing.assert_array_equal(found, second)


def test_nans_are_distinct_from_each_other(compute):
    values, counts = compute(ops.unique_counts, np.array([math.nan, 1.0, math.nan]))
    np.testing.assert_array_equal(values, [1.0, math.nan, math.nan])
    np.testing.assert_array_equal(counts, [1, 1, 1])
