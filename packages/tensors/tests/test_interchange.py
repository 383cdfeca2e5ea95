"""DLPack both ways."""

from __future__ import annotations

import numpy as np
import pytest

import dovetail_tensors as dt


def test_export_shares_memory_read_only() -> None:
    x = dt.constant([1.0, 2.0])
    theirs = np.from_dlpack(x)
    assert np.shares_memory(theirs, x.payload)
    assert not theirs.flags.writeable
    assert x.__dlpack_device__() == (1, 0)


def test_import_shares_memory_unless_a_copy_is_asked_for() -> None:
    source = np.arange(4, dtype=np.float32)
    assert np.shares_memory(dt.from_dlpack(source).payload, source)
    assert not np.shares_memory(dt.from_dlpack(source, copy=True).payload, source)
    assert dt.from_dlpack(source, device="cpu").tolist() == [0, 1, 2, 3]


def test_views_and_older_consumers() -> None:
    x = dt.broadcast_to(dt.constant([1.0]), (3,))
    assert np.from_dlpack(x).tolist() == [1, 1, 1]
    capsule = x.__dlpack__()  # a consumer that knows no flags gets memory of its own, since the view is read-only
    assert "dltensor" in repr(capsule)


def test_variables_export_their_value() -> None:
    v = dt.Variable([1.0, 2.0])
    theirs = np.from_dlpack(v)
    v.assign([3.0, 4.0])
    assert theirs.tolist() == [1, 2]


def test_dtype_that_dlpack_lacks() -> None:
    with pytest.raises((BufferError, ValueError)):
        np.from_dlpack(dt.constant([1.0], "bfloat16"))


def test_array_protocol() -> None:
    x = dt.constant([1.0, 2.0])
    assert np.asarray(x).dtype == np.float32
    assert np.asarray(x, dtype=np.float64).dtype == np.float64
    assert not np.shares_memory(np.array(x), x.payload)
    with pytest.raises(ValueError, match="copy"):
        np.array(x, dtype=np.float64, copy=False)
    assert np.exp(x).tolist() == pytest.approx([np.e, np.e**2])
