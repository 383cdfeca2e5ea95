"""Derivatives of conversions between dtypes."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from dovetail_autodiff import check_gradients, grad
from dovetail_protocols import dtypes as dt
from dovetail_protocols import operations as ops
from dovetail_protocols.arrays import provider

REAL, COMPLEX = np.array([0.5, -1.5]), np.array([0.5 - 1j, 0.25j])


@pytest.mark.parametrize(
    ("x", "dtype"),
    [(REAL, dt.complex128), (COMPLEX, dt.float64), (REAL, dt.float64), (COMPLEX, dt.complex128)],
    ids=str,
)
def test_conversions_between_real_and_complex_numbers(x, dtype):
    check_gradients(partial(ops.cast, dtype=dtype), provider().convert(x))


def test_the_gradient_comes_back_in_the_dtype_of_the_operand():
    x = provider().convert(np.array([1.0, 2.0], dtype=np.float32))
    gradient = grad(lambda x: ops.sum(ops.cast(x, dtype=dt.bfloat16) * 3))(x)
    assert gradient.dtype is dt.float32
    np.testing.assert_array_equal(gradient.numpy(), [3.0, 3.0])


def test_nothing_flows_through_integers():
    x = provider().convert(REAL)
    gradient = grad(lambda x: ops.sum(ops.cast(ops.cast(x, dtype=dt.int32), dtype=dt.float64)))(x)
    np.testing.assert_array_equal(gradient.numpy(), [0.0, 0.0])
