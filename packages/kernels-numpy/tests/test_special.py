"""The error function and its inverse against Python's math.erf, which is accurate to the last bit or two."""

from __future__ import annotations

import math

import numpy as np
import pytest

from dovetail_protocols import operations as ops

POINTS = np.concatenate([np.linspace(-6.5, 6.5, 4001), np.logspace(-300, 0, 200), [0.46875, 4.0, 6.0, 27.0, 1e300]])


@pytest.mark.parametrize(("dtype", "ulps"), [(np.float64, 2), (np.float32, 1.5)])
def test_erf_is_accurate_to_two_units_in_the_last_place(compute, dtype, ulps):
    points = POINTS[np.abs(POINTS) < np.finfo(dtype).max].astype(dtype)
    exact = np.array([math.erf(point) for point in points.tolist()])
    error = np.abs(compute(ops.erf, points).astype(np.float64) - exact)
    assert (error <= ulps * np.spacing(np.abs(exact).astype(dtype)).astype(np.float64)).all()


@pytest.mark.parametrize("dtype", [np.float16, "bfloat16"])
def test_erf_of_narrow_dtypes_is_rounded_once(compute, dtype):
    if dtype == "bfloat16":
        dtype = pytest.importorskip("ml_dtypes").bfloat16
    points = np.linspace(-4, 4, 101).astype(dtype)
    exact = np.array([math.erf(float(point)) for point in points])
    np.testing.assert_array_equal(compute(ops.erf, points), exact.astype(np.float32).astype(dtype))


def test_erf_of_the_ends_of_the_line(compute):
    np.testing.assert_array_equal(
        compute(ops.erf, [math.inf, -math.inf, math.nan, 0.0, 1e9]), [1.0, -1.0, math.nan, 0.0, 1.0]
    )


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_erfinv_inverts_erf_as_far_as_the_dtype_allows(compute, dtype):
    """erf(erfinv(y)) = y within the spacing of y, plus what one unit in the last place of x moves erf."""
    y = np.concatenate([np.linspace(-0.999, 0.999, 1001), np.logspace(-30, -2, 50), 1 - np.logspace(-6, -1, 50)])
    y = y.astype(dtype)
    x = compute(ops.erfinv, y)
    back = np.array([math.erf(value) for value in x.tolist()])
    slope = 2 / math.sqrt(math.pi) * np.exp(-(x.astype(np.float64) ** 2))
    allowed = 4 * (np.spacing(np.abs(y)) + slope * np.spacing(np.abs(x)))
    assert (np.abs(back - y) <= allowed).all()


def test_erfinv_at_and_beyond_its_bounds(compute):
    np.testing.assert_array_equal(
        compute(ops.erfinv, [1.0, -1.0, 0.0, 1.5, -2.0, math.nan]), [math.inf, -math.inf, 0.0, *[math.nan] * 3]
    )
