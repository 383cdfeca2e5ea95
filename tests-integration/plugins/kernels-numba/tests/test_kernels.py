"""What the kit can't know: when Numba is imported and compiles, what is refused, and closed forms."""

import os
import subprocess
import sys

import numpy as np
import pytest

from dovetail_protocols import operations as ops
from dovetail_protocols import selection
from dovetail_protocols.binding import bind_attributes
from dovetail_protocols.dtypes import dtype
from dovetail_protocols.metas import TensorMeta
from dovetail_protocols.plugins.policy import use


def selected(operation, *arrays, **attributes):
    """The kernel that `numba` gives for a call, or the reason for its refusal."""
    metas = tuple(None if a is None else TensorMeta(a.shape, dtype(a.dtype.name)) for a in arrays)
    with use("numba", only=True):
        chosen = selection.select(operation, metas, bind_attributes(operation, attributes))
    return chosen.kernel or chosen.decisions[0].reason


def test_describing_the_package_imports_no_numba():
    program = (
        "import sys; from dovetail_kernels_numba import PACKAGE; PACKAGE.kernels(); assert PACKAGE.probe() is None; "
        "assert not {'numba', 'llvmlite', 'numpy'} & set(sys.modules)"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    subprocess.run([sys.executable, "-c", program], check=True, env=environment)


def test_without_numba_the_package_says_why_it_cannot_be_used(monkeypatch):
    import dovetail_kernels_numba

    monkeypatch.setattr(dovetail_kernels_numba, "find_spec", lambda name: None)
    assert "pip install numba" in dovetail_kernels_numba.PACKAGE.probe().reason


def test_loop_is_compiled_once_per_dtype_and_not_by_calls():
    from dovetail_kernels_numba.compiling import _loop

    x = np.ones((3, 4), np.float32)
    kernel = selected(ops.logsumexp, x)
    compiled = _loop.cache_info().currsize
    kernel(x)
    selected(ops.logsumexp, np.ones((7, 2, 2), np.float32), axis=(1, 2))(np.ones((7, 2, 2), np.float32))
    assert _loop.cache_info().currsize == compiled


@pytest.mark.parametrize(
    ("operation", "attributes", "reason"),
    [
        (ops.softmax, {"axis": 0}, "the last axis only"),
        (ops.logsumexp, {"axis": (0, 2)}, "the last axes only"),
        (ops.layer_normalization, {"axis": 0}, "the last axes only"),
    ],
)
def test_scattered_axes_are_refused_with_a_reason(operation, attributes, reason):
    arrays = (np.ones((2, 3, 4), np.float32), *[None] * (len(operation.operands) - 1))
    assert reason in selected(operation, *arrays, **attributes)


def test_softmax_of_equal_scores_is_uniform_and_large_ones_do_not_overflow():
    x = np.full((2, 5), 1e4, np.float32)
    assert np.allclose(selected(ops.softmax, x)(x), 0.2, rtol=1e-6)


def test_sigmoid_of_large_negative_numbers_is_zero_without_a_warning():
    x = np.array([-1e4, 0.0, 1e4], np.float32)
    assert selected(ops.sigmoid, x)(x).tolist() == [0.0, 0.5, 1.0]


def test_logsumexp_of_infinities_is_infinite():
    x = np.array([[-np.inf, -np.inf], [np.inf, 1.0]])
    assert selected(ops.logsumexp, x, axis=1)(x).tolist() == [-np.inf, np.inf]


def test_cumulative_sum_of_ones_counts_along_every_axis_and_stride():
    x = np.ones((4, 6, 5))[::-2, ::3]
    for axis in range(3):
        expected = np.cumsum(x, axis=axis)
        assert np.array_equal(selected(ops.cumulative_sum, x, axis=axis)(x), expected)


def test_layer_normalization_of_a_row_has_mean_zero_and_variance_one():
    x = np.arange(1000.0).reshape(2, 500)
    result = selected(ops.layer_normalization, x, None, None, epsilon=0.0)(x, None, None)
    assert np.allclose(result.mean(axis=1), 0, atol=1e-12)
    assert np.allclose(result.var(axis=1), 1)
