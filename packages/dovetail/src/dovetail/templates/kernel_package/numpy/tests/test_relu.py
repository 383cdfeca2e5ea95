"""Every kernel of relu, in every dtype that it declares, beside the definition."""

from importlib import import_module

import numpy as np
import pytest
from dovetail_protocols import CallMeta, TensorMeta, dtypes, operations

from acme_kernels import PACKAGE

EACH = pytest.mark.parametrize(
    ("spec", "dtype"),
    [
        pytest.param(spec, dtype, id=f"{spec.id}-{dtype}")
        for spec in PACKAGE.kernels()
        if spec.operation == "dovetail::relu"
        for dtype in sorted(spec.dtypes["T"])
    ],
)


def bind(spec, dtype):
    """The kernel as Dovetail gets it, for a call with an array of that dtype."""
    meta = TensorMeta((5,), dtypes.dtype(dtype))
    module, _, attribute = spec.implementation.partition(":")
    implementation = getattr(import_module(module), attribute)
    return implementation(CallMeta(operations.relu, (meta,), {}, (meta,)))


@EACH
@pytest.mark.parametrize("shape", [(), (0, 3), (1,), (17,), (3, 5, 2)])
def test_negative_elements_become_zero_and_others_stay(spec, dtype, shape):
    x = np.random.default_rng(0).integers(-9, 10, shape).astype(dtype)
    given = x.copy()
    result = np.asarray(bind(spec, dtype)(x))
    expected = np.array([max(element, 0) for element in x.ravel().tolist()]).reshape(shape)
    assert (result.shape, result.dtype) == (shape, x.dtype)
    np.testing.assert_array_equal(result, expected)
    np.testing.assert_array_equal(x, given)


@EACH
def test_nan_stays_nan_and_infinities_are_cut(spec, dtype):
    if dtype.startswith("int"):
        pytest.skip("integers have no NaN")
    result = bind(spec, dtype)(np.array([np.nan, np.inf, -np.inf], dtype))
    np.testing.assert_array_equal(result, [np.nan, np.inf, 0])


@EACH
def test_into_writes_the_whole_result(spec, dtype):
    x = np.arange(-8, 9).astype(dtype)
    result = np.full_like(x, 99)
    bind(spec, dtype).into((result,), (x,))
    np.testing.assert_array_equal(result, [max(element, 0) for element in range(-8, 9)])
