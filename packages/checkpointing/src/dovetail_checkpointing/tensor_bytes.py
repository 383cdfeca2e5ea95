"""Arrays to bytes and back. The bytes are C-ordered and little endian, as safetensors has them."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import numpy as np

from dovetail_protocols.devices import device_package
from dovetail_protocols.dtypes import DType
from dovetail_protocols.dtypes import dtype as find_dtype
from dovetail_protocols.metas import CPU, Device, TensorMeta

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

_BITS = re.compile(r"\d+")
_ITEM_BYTES = {name: 1 if name == "bool" else int(_BITS.findall(name)[0]) // 8 for name in SAFETENSORS_NAMES}


def on_host(value: Any) -> np.ndarray[Any, Any]:
    """The contents of a variable or array as a NumPy array: its own memory where it is on the CPU, else a copy."""
    if type(value) is np.ndarray:
        return value
    array = getattr(value, "payload", value)
    if _device_of(value) != CPU:
        array = device_package(_device_of(value).kind).to_host(array)
    return np.asarray(array)


def lies_as_stored(value: Any) -> bool:
    """Whether the bytes of a variable or array lie in this machine's memory as they are stored: they need no copy."""
    if _device_of(value) != CPU:
        return False
    array = np.asarray(getattr(value, "payload", value))
    return bool(array.flags.c_contiguous) and _is_little_endian(array)


def _is_little_endian(array: np.ndarray[Any, Any]) -> bool:
    # NumPy has arrays of either order on any machine.
    return array.dtype.itemsize == 1 or bool(array.dtype.isnative) == (sys.byteorder == "little")


def placed(array: np.ndarray[Any, Any], variable: Any) -> Any:
    """The array, which nobody else writes to, as a buffer on a variable's device."""
    return on_device(array, _device_of(variable))


def on_device(array: np.ndarray[Any, Any], place: Device) -> Any:
    """The array, which nobody else writes to, as a buffer on a device."""
    return array if place == CPU else device_package(place.kind).from_host(array, place.index)


def _device_of(value: Any) -> Device:
    """Where a variable or array is; NumPy's are on the CPU."""
    return value.meta.device if hasattr(value, "meta") else CPU


def meta_of(value: Any) -> TensorMeta:
    """Shape and dtype of a variable or array.

    Raises: DTypeError for a dtype that Dovetail doesn't know.
    """
    return value.meta if hasattr(value, "meta") else TensorMeta(tuple(value.shape), _known(value.dtype))


@lru_cache(maxsize=64)
def _known(dtype: Any) -> DType:
    """Dovetail's dtype for another library's, which NumPy's takes long to name."""
    return find_dtype(dtype.name)


def has_nonfinite(value: Any) -> bool:
    """Whether NaN or an infinity is among the values of a variable or array."""
    array = on_host(value)
    return array.dtype.kind not in "biu" and not bool(np.isfinite(array).all())


def numpy_dtype(name: str) -> np.dtype[Any]:
    """The NumPy dtype of a Dovetail dtype's name."""
    if name in _EXTENDED:
        import ml_dtypes

        extended: np.dtype[Any] = np.dtype(getattr(ml_dtypes, name))
        return extended
    return np.dtype(name)


def item_bytes(name: str) -> int:
    """Bytes of one element.

    Raises: ValueError for a dtype that no checkpoint holds.
    """
    size = _ITEM_BYTES.get(name)
    if size is None:
        raise ValueError(f"the dtype {str(name)[:60]!r} is not known")
    return size


def blocks(array: np.ndarray[Any, Any], largest: int) -> Iterator[memoryview]:
    """The array's bytes in C order and little endian, in views of its memory where that is how they lie there; else in
    copies, each of about `largest` bytes at most."""
    if not array.size:
        return
    is_little = _is_little_endian(array)
    if array.flags.c_contiguous and is_little:
        yield _bytes_of(array)
    elif array.nbytes <= largest or array.ndim == 0:
        yield _bytes_of(np.ascontiguousarray(array if is_little else array.byteswap()))
    else:
        rows = max(1, largest // (array.nbytes // len(array)))
        for start in range(0, len(array), rows):
            part = array[start : start + rows]
            yield from blocks(part[0] if rows == 1 else part, largest)


def _bytes_of(array: np.ndarray[Any, Any]) -> memoryview:
    return array.reshape(-1).view(np.uint8).data


def empty(name: str, shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
    """An array to read into, of a dtype's name."""
    return np.empty(shape, numpy_dtype(name))


def writable_bytes(array: np.ndarray[Any, Any]) -> memoryview:
    """The memory of a C-contiguous array."""
    return _bytes_of(array)


def from_little_endian(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The array, whose memory was filled with little-endian bytes."""
    return array.byteswap(inplace=True) if sys.byteorder == "big" else array


def stored_shape(name: str, shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape that the safetensors header states."""
    return (*shape, 2) if name == "complex128" else shape
