"""Contents of tensors as bytes, and back."""

from __future__ import annotations

import numpy as np
import pytest

from dovetail_protocols import dtypes as dt
from dovetail_protocols.errors import ShapeError
from dovetail_protocols.metas import TensorMeta
from dovetail_protocols.roles import SupportsBytes
from dovetail_tensors.byte_form import from_bytes, to_bytes
from dovetail_tensors.conversion import convert
from dovetail_tensors.provider import PROVIDER


@pytest.mark.parametrize("dtype", dt.ALL, ids=str)
@pytest.mark.parametrize("shape", [(), (0, 3), (2, 3)])
def test_contents_come_back(dtype: dt.DType, shape: tuple[int, ...]) -> None:
    tensor = convert(np.arange(int(np.prod(shape))).reshape(shape), dtype)
    data = to_bytes(tensor)
    assert len(data) == tensor.meta.size_bytes
    back = from_bytes(data, tensor.meta)
    assert back.meta == tensor.meta
    np.testing.assert_array_equal(np.asarray(back), np.asarray(tensor))
    assert np.asarray(back).dtype == np.asarray(tensor).dtype


def test_bytes_are_in_c_order_and_little_endian() -> None:
    transposed = convert(np.array([[1, 2], [3, 4]], dtype=np.int16).T)
    assert to_bytes(transposed) == bytes([1, 0, 3, 0, 2, 0, 4, 0])
    assert to_bytes(convert([True, False])) == b"\1\0"


def test_data_of_another_length_is_refused_and_any_byte_makes_a_bool() -> None:
    with pytest.raises(ShapeError, match="12 bytes"):
        from_bytes(bytes(11), TensorMeta((3,), dt.float32))
    flags = np.asarray(from_bytes(b"\0\1\7", TensorMeta((3,), dt.bool_)))
    assert flags.view(np.uint8).tolist() == [0, 1, 1]


def test_a_tensor_does_not_share_the_data_it_was_made_of() -> None:
    data = bytearray(4)
    tensor = from_bytes(data, TensorMeta((1,), dt.float32))
    data[3] = 0x40
    assert np.asarray(tensor).tolist() == [0.0]


def test_the_provider_offers_both() -> None:
    assert isinstance(PROVIDER, SupportsBytes)
    assert PROVIDER.to_bytes is to_bytes
    assert PROVIDER.from_bytes is from_bytes
