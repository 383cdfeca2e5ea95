"""Reductions, statistics and running totals, against Python's exact sums, products and extremes."""

from __future__ import annotations

import math
import statistics
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from dovetail_kernels_numpy.dtypes import numpy_dtype
from dovetail_protocols import dtypes as dt
from dovetail_protocols import operations as ops

X = np.random.default_rng(0).uniform(-2, 2, (3, 4, 5))


def python_reduced(function: Any, x: Any, axes: tuple[int, ...], keepdims: bool) -> Any:
    """A function of a list of numbers, over some axes, element by element."""
    others = [axis for axis in range(x.ndim) if axis not in axes]
    moved = np.transpose(x, (*others, *axes)).reshape(*(x.shape[axis] for axis in others), -1)
    result = np.array([function(row.tolist()) for row in moved.reshape(-1, moved.shape[-1])])
    shape = [1 if axis in axes else x.shape[axis] for axis in range(x.ndim)]
    return result.reshape(shape if keepdims else moved.shape[:-1])


ORACLES = {
    ops.sum: math.fsum,
    ops.prod: math.prod,
    ops.max: max,
    ops.min: min,
    ops.mean: statistics.fmean,
    ops.var: statistics.pvariance,
    ops.std: statistics.pstdev,
    ops.all: all,
    ops.any: any,
    ops.count_nonzero: lambda row: sum(value != 0 for value in row),
    ops.logsumexp: lambda row: math.log(math.fsum(map(math.exp, row))),
}


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("axis", [None, 0, -1, (0, 2), (2, 0, 1)], ids=str)
@pytest.mark.parametrize("operation", ORACLES, ids=lambda op: op.short_name)
def test_reductions_are_those_of_exact_arithmetic(compute, operation, axis, keepdims):
    x = X if operation not in (ops.all, ops.any, ops.count_nonzero) else np.where(X > 1.2, X, 0)
    axes = tuple(range(3)) if axis is None else tuple(a % 3 for a in np.atleast_1d(axis).tolist())
    expected = python_reduced(ORACLES[operation], x, axes, keepdims)
    np.testing.assert_allclose(compute(operation, x, axis=axis, keepdims=keepdims), expected, rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize("operation", ORACLES, ids=lambda op: op.short_name)
def test_reductions_over_no_axis_keep_the_shape(compute, operation):
    assert compute(operation, X, axis=()).shape == X.shape


@pytest.mark.parametrize(
    ("operation", "dtype"),
    [
        pytest.param(operation, dtype, id=f"{operation.short_name}-{dtype}")
        for operation in (*ORACLES, ops.cumulative_sum, ops.cumulative_prod, ops.diff, ops.softmax, ops.log_softmax)
        for dtype in dt.ALL
        if dtype.name in operation.operands[0].dtypes
    ],
)
def test_every_dtype_is_reduced_without_warnings(compute, operation, dtype):
    x = np.array([1, 0, 1, 1, 0, 1]).astype(numpy_dtype(dtype))
    compute(operation, x)
    if dtype.is_floating:
        compute(operation, np.array([1, math.inf, 2]).astype(x.dtype))
        compute(operation, np.array([1, math.nan, 2]).astype(x.dtype))
    if operation not in (ops.max, ops.min, ops.logsumexp):
        compute(operation, x[:0])


@pytest.mark.parametrize(
    ("operation", "expected"),
    [(ops.sum, 0), (ops.prod, 1), (ops.all, True), (ops.any, False), (ops.count_nonzero, 0), (ops.mean, math.nan)],
)
def test_empty_axes_give_the_neutral_element(compute, operation, expected):
    np.testing.assert_array_equal(compute(operation, np.zeros((2, 0)), axis=1), [expected, expected])


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16"])
def test_sums_of_small_integers_keep_the_dtype_and_wrap(compute, dtype):
    x = np.full(300, 1, dtype)
    assert compute(ops.sum, x) == np.array(300).astype(dtype)
    assert compute(ops.cumulative_sum, x)[-1] == np.array(300).astype(dtype)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_sums_in_narrow_dtypes_do_not_get_stuck(compute, dtype):
    """In bfloat16 256 + 1 rounds to 256, in float16 2048 + 1 to 2048."""
    ones = np.ones(4096, numpy_dtype(dt.dtype(dtype)))
    assert compute(ops.sum, ones) == 4096
    assert compute(ops.cumulative_sum, ones)[-1] == 4096
    assert compute(ops.mean, ones * 2) == 2


def test_a_mean_in_float16_does_not_overflow_on_the_way(compute):
    assert compute(ops.mean, np.full(10, 60000, np.float16)) == 60000


@pytest.mark.parametrize("correction", [0, 1, 1.5])
def test_the_correction_divides_by_fewer(compute, correction):
    row = [1.0, 2.0, 4.0, 8.0]
    mean = Fraction(15, 4)
    exact = sum((Fraction(value) - mean) ** 2 for value in row) / (4 - Fraction(correction))
    np.testing.assert_allclose(compute(ops.var, row, correction=correction), float(exact), rtol=1e-15)
    np.testing.assert_allclose(compute(ops.std, row, correction=correction), math.sqrt(exact), rtol=1e-15)


def test_the_variance_without_degrees_of_freedom_is_not_a_number(compute):
    assert math.isnan(compute(ops.var, [3.0], correction=1))
    assert math.isinf(compute(ops.var, [3.0, 4.0], correction=5))


def test_the_variance_of_large_equal_numbers_is_zero(compute):
    assert compute(ops.var, np.full(7, 1e8, np.float32)) == 0


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ([-math.inf, -math.inf], -math.inf),
        ([math.inf, 1.0], math.inf),
        ([math.nan, 1.0], math.nan),
        ([1e4, 1e4], 1e4 + math.log(2)),
        ([-1e4, -1e4], -1e4 + math.log(2)),
    ],
)
def test_logsumexp_of_extremes(compute, row, expected):
    np.testing.assert_array_equal(compute(ops.logsumexp, row), expected)


@pytest.mark.parametrize("include_initial", [False, True])
@pytest.mark.parametrize("axis", [0, 1, -1])
@pytest.mark.parametrize(
    ("operation", "first", "combine"), [(ops.cumulative_sum, 0, np.add), (ops.cumulative_prod, 1, np.multiply)]
)
def test_running_totals(compute, operation, first, combine, axis, include_initial):
    slices = list(np.moveaxis(X, axis, 0))
    totals = [np.full_like(slices[0], first)]
    for part in slices:
        totals.append(combine(totals[-1], part))
    expected = np.stack(totals if include_initial else totals[1:], axis=axis)
    result = compute(operation, X, axis=axis, include_initial=include_initial)
    np.testing.assert_allclose(result, expected, rtol=1e-13)


def test_a_running_total_of_one_axis_needs_no_axis(compute):
    np.testing.assert_array_equal(compute(ops.cumulative_sum, np.array([1, 2, 3], np.int32)), [1, 3, 6])


@pytest.mark.parametrize(("n", "expected"), [(0, [1, 4, 9, 16]), (1, [3, 5, 7]), (2, [2, 2]), (4, []), (9, [])])
def test_differences(compute, n, expected):
    np.testing.assert_array_equal(compute(ops.diff, np.array([1, 4, 9, 16], np.int32), n=n), expected)


def test_differences_with_numbers_joined_to_the_ends(compute):
    x, before, after = (np.array(row, np.int32) for row in ([[1, 4]], [[0]], [[9, 9]]))
    np.testing.assert_array_equal(compute(ops.diff, x, before, after), [[1, 3, 5, 0]])
    np.testing.assert_array_equal(compute(ops.diff, x, before, None, n=0), [[0, 1, 4]])


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_softmax_and_its_logarithm_are_their_definitions(compute, axis):
    powers = np.exp(X)
    expected = powers / powers.sum(axis=axis, keepdims=True)
    np.testing.assert_allclose(compute(ops.softmax, X, axis=axis), expected, rtol=1e-13)
    np.testing.assert_allclose(compute(ops.log_softmax, X, axis=axis), np.log(expected), rtol=1e-12)


def test_softmax_of_extremes(compute):
    scores = np.array([[1e5, 0.0, -1e5], [-math.inf, 0.0, 0.0]])
    np.testing.assert_array_equal(compute(ops.softmax, scores), [[1, 0, 0], [0, 0.5, 0.5]])
    np.testing.assert_array_equal(compute(ops.log_softmax, scores)[0], [0, -1e5, -2e5])
    assert np.isnan(compute(ops.softmax, np.full(3, -math.inf))).all()
