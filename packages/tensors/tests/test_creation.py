"""Creation functions against NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import dovetail_tensors as dt
from dovetail_protocols.errors import AttributeValueError, DeviceError
from dovetail_protocols.tracing import trace


def test_zeros_ones_full_empty() -> None:
    assert dt.zeros((2, 3)).tolist() == [[0, 0, 0], [0, 0, 0]]
    assert dt.zeros(3).dtype is dt.float32
    assert dt.ones([2], dtype="int8").dtype is dt.int8
    assert dt.full((2,), 7).dtype is dt.int32
    assert dt.full((2,), dt.constant(2.5)).tolist() == [2.5, 2.5]
    assert dt.empty((2, 0)).shape == (2, 0)
    assert dt.zeros(dt.shape(dt.ones((4, 2)))).shape == (4, 2)
    assert dt.zeros(()).shape == ()
    assert dt.ones((1,), dt.bool).tolist() == [True]


def test_like() -> None:
    x = dt.constant([[1, 2]], "int16")
    for made, value in ((dt.zeros_like(x), 0), (dt.ones_like(x), 1), (dt.full_like(x, 4), 4), (dt.empty_like(x), 0)):
        assert (made.shape, made.dtype, made.tolist()) == ((1, 2), dt.int16, [[value, value]])
    assert dt.zeros_like(dt.Variable([1.0]), dtype="float64").dtype is dt.float64


@given(start=st.integers(-20, 20), stop=st.integers(-20, 20), step=st.integers(-5, 5).filter(bool))
def test_arange_of_integers(start: int, stop: int, step: int) -> None:
    made = dt.arange(start, stop, step)
    assert made.dtype is dt.int32
    assert made.tolist() == np.arange(start, stop, step).tolist()


def test_arange_and_linspace() -> None:
    assert dt.arange(3).tolist() == [0, 1, 2]
    assert dt.arange(0.0, 1.0, 0.25).dtype is dt.float32
    assert dt.arange(dt.constant(2), dt.constant(5)).tolist() == [2, 3, 4]
    assert dt.arange(3, dtype="float64").dtype is dt.float64
    np.testing.assert_allclose(dt.linspace(0, 1, 5).numpy(), np.linspace(0, 1, 5, dtype=np.float32))
    np.testing.assert_allclose(dt.linspace(0, 1, 4, endpoint=False).numpy(), [0, 0.25, 0.5, 0.75])


def test_eye_tril_triu() -> None:
    np.testing.assert_array_equal(dt.eye(3, 4, k=1).numpy(), np.eye(3, 4, k=1))
    x = np.arange(9.0).reshape(3, 3)
    np.testing.assert_array_equal(dt.tril(dt.constant(x), k=-1).numpy(), np.tril(x, k=-1))
    np.testing.assert_array_equal(dt.triu(dt.constant(x)).numpy(), np.triu(x))


@pytest.mark.parametrize("indexing", ["xy", "ij"])
@pytest.mark.parametrize("sizes", [(3,), (2, 3), (2, 3, 4), (2, 0)])
def test_meshgrid(indexing: Any, sizes: tuple[int, ...]) -> None:
    lines = [np.arange(size) for size in sizes]
    for ours, theirs in zip(
        dt.meshgrid(*map(dt.constant, lines), indexing=indexing), np.meshgrid(*lines, indexing=indexing), strict=True
    ):
        np.testing.assert_array_equal(ours.numpy(), theirs)
    with pytest.raises(AttributeValueError, match="indexing"):
        dt.meshgrid(dt.ones(2), indexing="yx")


def test_creation_is_traced_as_operations() -> None:
    traced = trace(lambda x: [x + dt.ones(x.shape), dt.arange(3)], [dt.ones((2, 2)).meta])
    assert {node.operation.short_name for node in traced.graph.nodes} >= {"full", "arange"}


def test_unknown_device_is_named_with_a_suggestion() -> None:
    with pytest.raises(DeviceError, match=r"unknown device 'cpuu'[\s\S]*did you mean 'cpu'"):
        dt.zeros((1,), device="cpuu")
    with pytest.raises(DeviceError, match="no device 'cpu:7'"):
        dt.constant(1.0).to_device("cpu:7")


def test_an_axis_out_of_range_is_an_index_error_too() -> None:
    for error in (IndexError, ValueError):
        with pytest.raises(error, match="axis 3 is out of range"):
            dt.expand_dims(dt.zeros((2, 2)), axis=3)
