"""Conversions between every two dtypes."""

from __future__ import annotations

import math

import numpy as np
import pytest

from dovetail_kernels_numpy.dtypes import numpy_dtype
from dovetail_protocols import dtypes as dt
from dovetail_protocols import operations as ops


@pytest.mark.parametrize("target", dt.ALL, ids=str)
@pytest.mark.parametrize("source", dt.ALL, ids=str)
def test_small_whole_numbers_pass_between_every_two_dtypes(compute, source, target):
    numbers = np.array([0, 1, 1, 0])
    result = compute(ops.cast, numbers.astype(numpy_dtype(source)), dtype=target)
    np.testing.assert_array_equal(result.astype(np.complex128), numbers)


@pytest.mark.parametrize("target", [dt.int32, dt.uint8, dt.float16, dt.bfloat16, dt.float8_e4m3fn, dt.bool_], ids=str)
def test_numbers_that_do_not_fit_raise_no_warning(compute, target):
    compute(ops.cast, np.array([math.nan, math.inf, 1e30, -1e30]), dtype=target)


def test_floats_become_integers_by_truncation_and_complex_numbers_by_their_real_part(compute):
    np.testing.assert_array_equal(compute(ops.cast, [1.9, -1.9], dtype=dt.int32), [1, -1])
    np.testing.assert_array_equal(compute(ops.cast, [1.9 + 5j], dtype=dt.float32), np.float32([1.9]))
    np.testing.assert_array_equal(compute(ops.cast, [0j, 1j], dtype=dt.bool_), [False, True])
