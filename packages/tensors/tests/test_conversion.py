"""From anything to a Tensor: sequences, foreign arrays, and what is refused."""

from __future__ import annotations

import array
from enum import IntEnum
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra import numpy as hnp

import dovetail_tensors as dt
from dovetail_protocols.errors import DTypeError, ShapeError
from dovetail_protocols.tracing import trace

DTYPES = ["bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"]
DTYPES += ["float16", "float32", "float64", "complex64", "complex128"]


ANY_DTYPE = hnp.scalar_dtypes().filter(lambda found: found.name in DTYPES and found.isnative)


@given(x=hnp.arrays(ANY_DTYPE, hnp.array_shapes(min_dims=0, min_side=0)))
def test_numpy_round_trip(x: Any) -> None:
    t = dt.constant(x)
    assert (t.shape, t.dtype.name) == (x.shape, x.dtype.name)
    np.testing.assert_array_equal(t.numpy(), x)
    np.testing.assert_array_equal(np.asarray(dt.from_dlpack(t)), x)


@pytest.mark.parametrize("name", ["bfloat16", "float8_e4m3fn", "float8_e5m2"])
def test_extended_dtypes(name: str) -> None:
    t = dt.constant([1.0, 2.0], name)
    assert t.dtype.name == name
    assert dt.cast(t, "float32").tolist() == [1, 2]
    assert dt.constant(t.numpy()).dtype is t.dtype


def test_tensors_in_sequences_are_stacked() -> None:
    a, b = dt.constant([1.0, 2.0]), dt.Variable([3.0, 4.0])
    assert dt.constant([a, b]).tolist() == [[1, 2], [3, 4]]
    assert dt.constant([[a, b], [b, a]]).shape == (2, 2, 2)
    assert dt.constant([dt.constant(1), 2.5]).dtype is dt.float32
    assert dt.constant([a, [5, 6]]).tolist() == [[1, 2], [5, 6]]
    assert dt.constant([dt.constant(1)], "float32").dtype is dt.float32


def test_traced_tensors_in_sequences_stay_traced() -> None:
    traced = trace(lambda x: [dt.constant([x, x, 1.0])], [dt.constant(1.0).meta])
    assert traced.graph.outputs[0].meta.shape == (3,)


def test_python_numbers_of_derived_types() -> None:
    class Color(IntEnum):
        RED = 3

    assert dt.constant(Color.RED).item() == 3
    assert dt.constant(np.float64(1.5)).dtype is dt.float64
    assert dt.constant(np.bool_(True)).dtype is dt.bool


def test_buffers_and_array_protocols() -> None:
    assert dt.constant(array.array("f", [1, 2])).tolist() == [1, 2]

    class HasArray:
        def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
            return np.array([1, 2], np.int16)

    assert dt.constant(HasArray()).dtype is dt.int16


@pytest.mark.parametrize(
    ("value", "dtype", "error", "message"),
    [
        ([[1, 2], [3]], None, ShapeError, "not rectangular"),
        (None, None, DTypeError, "NoneType"),
        ({"a": 1}, None, DTypeError, "dict"),
        ("text", None, DTypeError, "str"),
        (np.array(["a"]), None, DTypeError, "unknown dtype"),
        (np.array([object()]), None, DTypeError, "unknown dtype"),
        ([1.5], "int32", DTypeError, "don't fit int32"),
        (1.5, "int32", DTypeError, "1.5 does not fit int32"),
        ([300], "uint8", DTypeError, "does not fit uint8"),
        (1, "float31", DTypeError, "unknown dtype"),
        (["a"], None, DTypeError, "unknown dtype"),
    ],
)
def test_refusals(value: Any, dtype: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        dt.constant(value, dtype)


def test_dtypes_have_many_spellings() -> None:
    for spelling in ("float64", dt.float64, np.float64, np.dtype("float64")):
        assert dt.constant(1, spelling).dtype is dt.float64
    assert dt.constant(1, float).dtype is dt.float32
    assert dt.constant(1.0, bool).dtype is dt.bool
    with pytest.raises(DTypeError, match="no dtype"):
        dt.constant(1, dt)


def test_constant_with_a_shape() -> None:
    assert dt.constant(0, shape=(2, 2)).tolist() == [[0, 0], [0, 0]]
    assert dt.constant([1, 2, 3, 4], shape=(2, 2)).tolist() == [[1, 2], [3, 4]]
