"""What the kit's small calls don't show: lengths around the lanes, sums of many terms, the range of the exponential."""

from importlib import import_module

import numpy as np
import pytest
from dovetail_kernels_c import PACKAGE

from dovetail_protocols import CallMeta, TensorMeta, dtypes, operations
from dovetail_protocols.kernels import Unsupported

FLOATS = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def bind(name, *arrays, result=None, **attributes):
    """The kernel as Dovetail gets it, for a call with these arrays, whose result is like the first unless given."""
    metas = [None if x is None else TensorMeta(x.shape, dtypes.dtype(x.dtype.name)) for x in arrays]
    (spec,) = [spec for spec in PACKAGE.kernels() if spec.id == name]
    module, _, attribute = spec.implementation.partition(":")
    results = (metas[0] if result is None else TensorMeta(result, metas[0].dtype),)
    call = CallMeta(getattr(operations, name), tuple(metas), attributes, results)
    return getattr(import_module(module), attribute)(call)


def random(*shape, dtype, low=-3.0, high=3.0):
    return np.random.default_rng(0).uniform(low, high, shape).astype(dtype)


@FLOATS
@pytest.mark.parametrize("size", [*range(1, 18), 255, 256, 257, 1031])
def test_every_length_is_computed_to_its_end(dtype, size):
    x = random(3, size, dtype=dtype)
    wide = x.astype(np.float64)
    close = {"rtol": 8 * np.finfo(dtype).eps, "atol": 8 * np.finfo(dtype).eps}
    power = np.exp(wide - wide.max(-1, keepdims=True))
    np.testing.assert_allclose(bind("softmax", x, axis=-1)(x), power / power.sum(-1, keepdims=True), **close)
    total = bind("sum", x, result=(3,), axis=-1, keepdims=False)(x)
    np.testing.assert_allclose(total, wide.sum(-1), rtol=0, atol=np.abs(wide).sum(-1).max() * np.finfo(dtype).eps)
    normal = (wide - wide.mean(-1, keepdims=True)) / np.sqrt(wide.var(-1, keepdims=True) + 1e-3)
    kernel = bind("layer_normalization", x, None, None, axis=-1, epsilon=1e-3)
    np.testing.assert_allclose(kernel(x, None, None), normal, rtol=0, atol=64 * np.finfo(dtype).eps)


def test_error_of_a_sum_does_not_grow_with_the_count():
    x = np.full(4_000_000, 0.1, np.float32)
    total = bind("sum", x, result=(), axis=None, keepdims=False)(x)
    assert abs(float(total) / (4_000_000 * float(np.float32(0.1))) - 1) < 4 * np.finfo(np.float32).eps


@FLOATS
def test_softmax_of_the_whole_range_of_exponents(dtype):
    x = np.linspace(-800, 0, 4001, dtype=dtype)[None]
    result = bind("softmax", x, axis=1)(x)
    power = np.exp(x.astype(np.float64))
    np.testing.assert_allclose(result, power / power.sum(), rtol=8 * np.finfo(dtype).eps, atol=np.finfo(dtype).tiny)


@FLOATS
def test_nan_and_infinities_spoil_their_own_row_only(dtype):
    x = np.array([[0, np.nan, 1], [np.inf, 0, 1], [-np.inf, 0, 0], [-np.inf] * 3], dtype)
    nan = [np.nan] * 3
    np.testing.assert_array_equal(bind("softmax", x, axis=-1)(x), np.array([nan, nan, [0, 0.5, 0.5], nan], dtype))


@FLOATS
def test_scale_and_offset_are_used_each_alone_too(dtype):
    x, scale, offset = (random(*shape, dtype=dtype) for shape in ((4, 5), (5,), (5,)))
    plain = bind("layer_normalization", x, None, None, axis=-1, epsilon=1e-3)(x, None, None)
    for factor, shift in ((scale, None), (None, offset), (scale, offset)):
        result = bind("layer_normalization", x, factor, shift, axis=-1, epsilon=1e-3)(x, factor, shift)
        expected = plain * (1 if factor is None else factor) + (0 if shift is None else shift)
        np.testing.assert_allclose(result, expected, rtol=0, atol=16 * np.finfo(dtype).eps)


def test_other_axes_than_the_last_are_refused_with_the_reason():
    x = random(2, 3, dtype=np.float32)
    for kernel in (bind("softmax", x, axis=0), bind("sum", x, result=(3,), axis=0, keepdims=False)):
        assert isinstance(kernel, Unsupported)
        assert "takes the last ax" in kernel.reason
