"""Arrays to bytes and back. The bytes are C-ordered and little endian, as safetensors has them."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from dovetail_protocols.devices import device_package
from dovetail_protocols.metas import CPU, Device

_EXTENDED = frozenset({"bfloat16", "float8_e4m3fn", "float8_e5m2"})

SAFETENSORS_NAMES = {
    "bool": "BOOL",
    "int8": "I8",
    "int16": "I16",
    "int32": "I32",
    "int64": "I64",
    "uint8": "U8",
    "uint16": "U16",
    "uint32": "U32",
    "uint64": "U64",
    "float8_e4m3fn": "F8_E4M3",
    "float8_e5m2": "F8_E5M2",
    "bfloat16": "BF16",
    "float16": "F16",
    "float32": "F32",
    "float64": "F64",
    "complex64": "C64",
    "complex128": "F64",
}
"""The format's names of dtypes. It has none for complex128, which is stored as float64 with a last axis of 2."""


def as_numpy(value: Any) -> np.ndarray[Any, Any]:
    """A C-contiguous NumPy array of a variable's or array's contents; not a copy where none is needed."""
    array = getattr(value, "payload", value)
    if _device_of(value) != CPU:
        array = device_package(_device_of(value).kind).to_host(array)
    return np.ascontiguousarray(np.asarray(array)).reshape(np.shape(array))


def placed(array: np.ndarray[Any, Any], variable: Any) -> Any:
    """The array, which nobody else writes to, as a buffer on a variable's device."""
    place = _device_of(variable)
    return array if place == CPU else device_package(place.kind).from_host(array, place.index)


def _device_of(value: Any) -> Device:
    """Where a variable or array is; NumPy's are on the CPU."""
    return value.meta.device if hasattr(value, "meta") else CPU


def numpy_dtype(name: str) -> np.dtype[Any]:
    """The NumPy dtype of a Dovetail dtype's name."""
    if name in _EXTENDED:
        import ml_dtypes

        extended: np.dtype[Any] = np.dtype(getattr(ml_dtypes, name))
        return extended
    return np.dtype(name)


def to_bytes(array: np.ndarray[Any, Any]) -> memoryview:
    """The array's bytes, without a copy on little-endian machines."""
    if sys.byteorder == "big":
        array = array.byteswap()
    return array.reshape(-1).view(np.uint8).data


def from_bytes(data: bytes | memoryview, name: str, shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
    """The array of such bytes, its own copy."""
    array = np.frombuffer(data, dtype=np.uint8).copy().view(numpy_dtype(name))
    if sys.byteorder == "big":
        array = array.byteswap()
    return array.reshape(shape)


def stored_shape(name: str, shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape that the safetensors header states."""
    return (*shape, 2) if name == "complex128" else shape
