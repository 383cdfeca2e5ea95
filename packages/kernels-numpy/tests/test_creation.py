"""Arrays made of attributes alone, and triangles."""

from __future__ import annotations

import math

import numpy as np
import pytest

from dovetail_kernels_numpy.dtypes import numpy_dtype
from dovetail_protocols import dtypes as dt
from dovetail_protocols import operations as ops


@pytest.mark.parametrize("dtype", dt.ALL, ids=str)
def test_full_and_eye_in_every_dtype(compute, dtype):
    one = np.ones((), numpy_dtype(dtype))
    assert (compute(ops.full, shape=(2, 3), fill_value=1, dtype=dtype) == one).all()
    assert compute(ops.eye, n_rows=2, dtype=dtype)[1, 1] == one


@pytest.mark.parametrize(
    ("fill_value", "name"), [(True, "bool"), (3, "int32"), (2**40, "int64"), (1.5, "float32"), (1j, "complex64")]
)
def test_full_takes_its_dtype_from_the_number(compute, fill_value, name):
    result = compute(ops.full, shape=2, fill_value=fill_value)
    assert result.dtype.name == name
    assert result.tolist() == [fill_value] * 2


def test_every_call_gives_a_buffer_of_its_own():
    from dovetail_kernels_numpy.creation import full
    from dovetail_protocols.kernels import CallMeta
    from dovetail_protocols.metas import TensorMeta

    attributes = {"shape": (2,), "fill_value": 0, "dtype": dt.float32, "device": None}
    kernel = full(CallMeta(ops.full, (), attributes, (TensorMeta((2,), dt.float32),)))
    assert not np.shares_memory(kernel(), kernel())


@pytest.mark.parametrize(
    "bounds",
    [(5,), (0,), (-3,), (2, 7), (7, 2), (7, 2, -2), (0, 10, 3), (0, 1, 0.1), (1.0, 2.0, 0.3), (0, -1, -0.25), (5.5,)],
    ids=str,
)
def test_arange_is_range_with_floats(compute, bounds):
    names = ("start", "stop", "step")[: len(bounds)]
    result = compute(ops.arange, **dict(zip(names, bounds, strict=True)), dtype=dt.float64)
    start, stop, step = (0, bounds[0], 1) if len(bounds) == 1 else (*bounds, 1)[:3]
    count = max(0, math.ceil((stop - start) / step))
    np.testing.assert_allclose(result, [start + i * step for i in range(count)], rtol=1e-15, atol=1e-15)


@pytest.mark.parametrize(("bounds", "name"), [((0, 3), "int32"), ((0, 3.0), "float32"), ((2**40, 2**40 + 2), "int64")])
def test_arange_takes_its_dtype_from_the_bounds(compute, bounds, name):
    assert compute(ops.arange, start=bounds[0], stop=bounds[1]).dtype.name == name


def test_arange_of_large_integers_is_exact(compute):
    first = 2**63 - 3
    assert compute(ops.arange, start=first, stop=first + 2, dtype=dt.int64).tolist() == [first, first + 1]
    first = 2**64 - 3
    assert compute(ops.arange, start=first, stop=first + 2, dtype=dt.uint64).tolist() == [first, first + 1]


@pytest.mark.parametrize("endpoint", [True, False])
@pytest.mark.parametrize("num", [0, 1, 2, 7])
def test_linspace(compute, num, endpoint):
    result = compute(ops.linspace, start=-1.0, stop=2.0, num=num, endpoint=endpoint, dtype=dt.float64)
    gaps = max(num - 1, 1) if endpoint else num
    np.testing.assert_allclose(result, [-1 + 3 * i / gaps for i in range(num)], rtol=1e-15, atol=1e-15)


def test_linspace_of_complex_numbers(compute):
    np.testing.assert_allclose(compute(ops.linspace, start=0, stop=1j, num=3), [0, 0.5j, 1j])


@pytest.mark.parametrize("k", [-2, 0, 1, 5])
def test_eye_tril_and_triu_split_at_the_diagonal(compute, k):
    x = np.arange(1.0, 25).reshape(2, 3, 4)
    rows, columns = np.indices((3, 4))
    np.testing.assert_array_equal(compute(ops.eye, n_rows=3, n_cols=4, k=k), columns - rows == k)
    np.testing.assert_array_equal(compute(ops.tril, x, k=k), np.where(columns - rows <= k, x, 0))
    np.testing.assert_array_equal(compute(ops.triu, x, k=k), np.where(columns - rows >= k, x, 0))
