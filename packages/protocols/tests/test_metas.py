"""Metas, and the names of devices."""

from __future__ import annotations

import pickle

import pytest

from dovetail_protocols import dtypes as dt
from dovetail_protocols.errors import DeviceError
from dovetail_protocols.metas import CPU, Device, TensorMeta, device


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("cpu", CPU),
        ("CPU:0", CPU),
        ("cuda", Device("cuda", 0)),
        ("cuda:1", Device("cuda", 1)),
        ("/device:GPU:2", Device("gpu", 2)),
        (Device("acme", 3), Device("acme", 3)),
    ],
)
def test_devices_are_known_by_their_names(name: str | Device, expected: Device) -> None:
    assert device(name) == expected


def test_the_first_cpu_is_one_object() -> None:
    assert device("cpu") is CPU
    assert device("/device:CPU:0") is CPU


@pytest.mark.parametrize("name", ["", ":1", "cuda:one", "cuda:-1", "cuda:1:2"])
def test_what_names_no_device_is_refused(name: str) -> None:
    with pytest.raises(DeviceError, match="names no device") as caught:
        device(name)
    assert caught.value.got == repr(name)


def test_devices_print_as_they_are_named() -> None:
    for name in ("cpu", "cuda", "cuda:1"):
        assert str(device(name)) == name


def test_metas_know_their_size_also_of_nothing_and_of_scalars() -> None:
    assert (TensorMeta((2, 3), dt.float32).size, TensorMeta((2, 3), dt.float32).size_bytes) == (6, 24)
    assert (TensorMeta((), dt.float64).ndim, TensorMeta((), dt.float64).size) == (0, 1)
    assert TensorMeta((4, 0), dt.int8).size_bytes == 0


def test_metas_print_dtype_shape_and_the_device_unless_it_is_the_cpu() -> None:
    assert str(TensorMeta((2, 3), dt.float32)) == "float32[2,3]"
    assert str(TensorMeta((), dt.bool_, Device("cuda", 1))) == "bool[]@cuda:1"


def test_metas_are_values() -> None:
    meta = TensorMeta((2,), dt.int32)
    assert meta == TensorMeta((2,), dt.int32, CPU)
    assert hash(meta) == hash(pickle.loads(pickle.dumps(meta)))
    assert meta != TensorMeta((2,), dt.int64)
    assert meta != TensorMeta((2,), dt.int32, Device("cuda"))
