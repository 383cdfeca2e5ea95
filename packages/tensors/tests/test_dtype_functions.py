"""Questions about dtypes."""

from __future__ import annotations

import numpy as np
import pytest

import dovetail_tensors as dt
from dovetail_protocols.errors import AttributeValueError, DTypeError


@pytest.mark.parametrize("name", ["float16", "float32", "float64", "complex64"])
def test_finfo_agrees_with_numpy(name: str) -> None:
    ours, theirs = dt.finfo(name), np.finfo(name)
    for field in ("bits", "eps", "max", "min", "smallest_normal"):
        assert getattr(ours, field) == getattr(theirs, field)
    assert dt.finfo(dt.zeros(1)).dtype is dt.float32


def test_finfo_of_bfloat16() -> None:
    info = dt.finfo("bfloat16")
    assert (info.bits, info.eps) == (16, 2.0**-7)


@pytest.mark.parametrize("name", ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"])
def test_iinfo_agrees_with_numpy(name: str) -> None:
    ours, theirs = dt.iinfo(name), np.iinfo(name)
    assert (ours.bits, ours.max, ours.min) == (theirs.bits, theirs.max, theirs.min)


def test_info_of_other_kinds() -> None:
    with pytest.raises(DTypeError, match="no floating"):
        dt.finfo("int32")
    with pytest.raises(DTypeError, match="no integer"):
        dt.iinfo(dt.zeros(1))


def test_isdtype() -> None:
    assert dt.isdtype(dt.float32, "real floating")
    assert dt.isdtype(dt.float32, ("integral", "real floating"))
    assert dt.isdtype(dt.int8, "signed integer")
    assert dt.isdtype(dt.int8, dt.int8)
    assert not dt.isdtype(dt.bool, "numeric")
    assert dt.isdtype(dt.complex64, "numeric")
    with pytest.raises(AttributeValueError, match="unknown kind"):
        dt.isdtype(dt.int8, "integer")


def test_can_cast() -> None:
    assert dt.can_cast(dt.int8, dt.int16)
    assert not dt.can_cast(dt.int16, dt.int8)
    assert not dt.can_cast(dt.bool, dt.float32)
    assert dt.can_cast(dt.zeros(1), dt.float64)
    assert not dt.can_cast(dt.float64, dt.float32)


def test_result_type() -> None:
    assert dt.result_type(dt.int8, dt.int16) is dt.int16
    assert dt.result_type(dt.zeros(1), 1) is dt.float32
    assert dt.result_type(dt.int32, 1.0) is dt.float32
    assert dt.result_type(dt.float64, 1j) is dt.complex128
    assert dt.result_type(1, 2.0) is dt.float32
    with pytest.raises(DTypeError):
        dt.result_type(dt.uint64, dt.int8)
    with pytest.raises(DTypeError, match="at least one"):
        dt.result_type()


def test_astype() -> None:
    assert dt.astype(dt.constant([1.7, -1.7]), "int32").tolist() == [1, -1]
    assert dt.astype(dt.constant([0, 2]), dt.bool).tolist() == [False, True]
