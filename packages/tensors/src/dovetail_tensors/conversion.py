"""From anything to a Tensor.

A Python number or list takes the default dtypes (bool, int32, float32, complex64), a NumPy array keeps its own. Memory
of others is copied, because a tensor never changes; `asarray(x, copy=False)` and `from_dlpack` share it on request.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from dovetail_protocols import dtypes as dt
from dovetail_protocols import operations as ops
from dovetail_protocols.arrays import is_variable
from dovetail_protocols.errors import DTypeError, ShapeError
from dovetail_protocols.metas import Device

from .devices import current_device, find_device, from_host
from .devices import device as scope
from .numpy_dtypes import dovetail_dtype, find_dtype, numpy_dtype
from .scalars import SCALARS, scalar_tensor
from .signature import signature_of
from .tensor import Tensor, make
from .variable import Variable


def convert(value: Any, dtype: dt.DType | str | None = None, device: Device | str | None = None) -> Tensor:
    """A tensor of a scalar, nested sequence, NumPy or DLPack array, variable (read) or tensor (itself).

    Raises: DTypeError where the value has no dtype of Dovetail's, or Python numbers don't fit the one asked for;
    ShapeError for a ragged sequence.
    """
    wanted = None if dtype is None else find_dtype(dtype)
    if hasattr(type(value), "as_array"):  # a size that a trace doesn't know
        made: Tensor = value.as_array(dt.DEFAULT_INTEGER if wanted is None else wanted, device and find_device(device))
        return made
    if isinstance(value, (int, float, complex)) and not isinstance(value, np.generic):
        return scalar_tensor(_plain_number(value), wanted, current_device() if device is None else find_device(device))
    if type(value) is not Tensor and is_variable(value):
        value = value.read_value() if type(value) is Variable else ops.read_variable(value)
    if isinstance(value, (list, tuple)):
        kinds = _leaf_kinds(value)
        if any(map(_holds_tensor, kinds)):
            with scope(_device_in(value) or current_device()):  # beside tensors, numbers are where those are
                value = ops.stack(*_promoted([convert(item, dtype) for item in value]))
        else:
            return _from_sequence(value, kinds, wanted, device)
    if type(value) is Tensor:
        result = value if wanted is None or wanted is value.dtype else ops.cast(value, dtype=wanted)
        return result if device is None else to_device(result, device)
    return place(np.array(_foreign_array(value), order="K"), wanted, device)


def _plain_number(value: Any) -> Any:
    """A number of Python's own types, from one of a type derived of them."""
    if type(value) in SCALARS:
        return value
    if isinstance(value, int):
        return int(value)
    return float(value) if isinstance(value, float) else complex(value)


def place(array: Any, dtype: dt.DType | None, device: Device | str | None) -> Tensor:
    """A tensor around a NumPy array that nobody else will write to, converted and moved as asked."""
    if dtype is not None:
        array = array.astype(numpy_dtype(dtype), copy=False)
    elif not array.dtype.isnative:
        array = array.astype(array.dtype.newbyteorder("="))
    target = current_device() if device is None else find_device(device)
    return make(from_host(array, target), signature_of(dtype or dovetail_dtype(array.dtype), target))


def to_device(tensor: Any, device: Device | str) -> Tensor:
    """The tensor on another device; itself where it is there already.

    Raises: DeviceError for an unknown or unusable device; ConcretizationError in a traced function.
    """
    target = find_device(device)
    tensor = convert(tensor)
    if target == tensor.device:
        return tensor
    array = tensor._concrete(f".to_device({str(target)!r})")
    return make(from_host(array, target), signature_of(tensor.dtype, target))


def _leaf_kinds(value: Iterable[Any]) -> set[type]:
    """The types of everything in nested lists and tuples."""
    kinds = set(map(type, value))
    nested = {kind for kind in kinds if issubclass(kind, (list, tuple))}
    if nested:
        kinds -= nested
        for item in value:
            if isinstance(item, (list, tuple)):
                kinds |= _leaf_kinds(item)
    return kinds


def _holds_tensor(kind: type) -> bool:
    """Whether values of a type are, or become, tensors of their own: tensors, variables, sizes that a trace doesn't
    know."""
    return (
        kind in (Tensor, Variable)
        or hasattr(kind, "as_array")
        or (hasattr(kind, "replace") and hasattr(kind, "payload"))
    )


def _device_in(values: Iterable[Any]) -> Device | None:
    """Where the first tensor or variable in nested lists and tuples is; None where there is none."""
    for value in values:
        found = _device_in(value) if isinstance(value, (list, tuple)) else getattr(value, "device", None)
        if type(found) is Device:
            return found
    return None


def _promoted(tensors: list[Tensor]) -> list[Tensor]:
    """Tensors of one dtype: the common one of those that were tensors, which Python numbers among them take."""
    common = tensors[0].dtype
    for tensor in tensors[1:]:
        common = dt.promote(common, tensor.dtype)
    return [tensor if tensor.dtype is common else ops.cast(tensor, dtype=common) for tensor in tensors]


def _from_sequence(value: Any, kinds: set[type], wanted: dt.DType | None, device: Device | str | None) -> Tensor:
    """A tensor of a nested sequence without tensors in it."""
    is_python = kinds <= SCALARS
    if wanted is not None and is_python and not kinds <= signature_of(wanted).scalars and wanted is not dt.bool_:
        raise DTypeError(
            f"Python numbers don't fit {wanted}",
            where="conversion of a sequence",
            expected=" or ".join(sorted(kind.__name__ for kind in signature_of(wanted).scalars)),
            got=", ".join(sorted(kind.__name__ for kind in kinds)),
            fix="choose another dtype, or round and convert with .astype(...)",
        )
    try:
        array = np.array(value, dtype=None if wanted is None else numpy_dtype(wanted))
    except OverflowError as error:
        raise DTypeError(f"a Python number does not fit {wanted or 'any dtype'}", cause=str(error)) from error
    except ValueError as error:
        raise ShapeError("a nested sequence is not rectangular", cause=str(error)) from error
    if wanted is None and is_python:
        array = array.astype(numpy_dtype(_default_dtype(array)), copy=False)
    return place(array, wanted, device)


def _default_dtype(array: Any) -> dt.DType:
    """The dtype that Python numbers take which NumPy read as 64-bit ones."""
    if array.dtype.kind == "i" and array.size and not (array.min() >= -(2**31) and array.max() < 2**31):
        return dt.int64
    narrow = {"i": dt.DEFAULT_INTEGER, "f": dt.DEFAULT_FLOATING, "c": dt.DEFAULT_COMPLEX}
    return narrow.get(array.dtype.kind) or dovetail_dtype(array.dtype)


def _foreign_array(value: Any) -> Any:
    """The NumPy array that shares a foreign array's memory.

    Raises: DTypeError where the value is no array.
    """
    if isinstance(value, (np.ndarray, np.generic)):
        return np.asarray(value)
    if hasattr(value, "__array__") or hasattr(value, "__array_interface__"):
        return np.asarray(value)
    if hasattr(value, "__dlpack__"):
        return np.from_dlpack(value)
    try:
        return np.asarray(memoryview(value))
    except TypeError as error:
        raise DTypeError(
            f"a {type(value).__name__} can't be made a tensor",
            expected="a number, a nested list of numbers, a NumPy or DLPack array, a tensor or a variable",
            got=repr(value)[:80],
        ) from error
