"""Questions about dtypes. Source: array API 2024.12, Data Type Functions."""

from __future__ import annotations

from typing import Any

import numpy as np

from dovetail_protocols import dtypes as dt
from dovetail_protocols import operations as ops
from dovetail_protocols.errors import AttributeValueError, DTypeError
from dovetail_protocols.records import record

from .conversion import convert
from .creation import DeviceName, on_device
from .numpy_dtypes import find_dtype, numpy_dtype
from .scalars import SCALARS
from .tensor import Tensor

_KINDS: dict[str, tuple[str, ...]] = {
    "bool": (dt.BOOLEAN,),
    "signed integer": (dt.SIGNED,),
    "unsigned integer": (dt.UNSIGNED,),
    "integral": (dt.SIGNED, dt.UNSIGNED),
    "real floating": (dt.FLOATING,),
    "complex floating": (dt.COMPLEX,),
    "numeric": (dt.SIGNED, dt.UNSIGNED, dt.FLOATING, dt.COMPLEX),
}


@record
class FloatingInfo:
    """What a floating dtype can hold. `bits` of one real number; `eps` the distance from 1.0 to the next one."""

    bits: int
    eps: float
    max: float
    min: float
    smallest_normal: float
    dtype: dt.DType


@record
class IntegerInfo:
    """What an integer dtype can hold."""

    bits: int
    max: int
    min: int
    dtype: dt.DType


def astype(x: Any, dtype: dt.DType | str, /, *, copy: bool = True, device: DeviceName = None) -> Tensor:
    """The elements in another dtype; floats to integers truncate toward zero. `copy` makes no difference to a value
    that can't change."""
    return on_device(ops.cast(x, dtype=find_dtype(dtype)), device)


def can_cast(from_: Any, to: dt.DType | str, /) -> bool:
    """Whether every value of one dtype (or of an array's) is kept by another, by the rules of promotion."""
    source, target = _dtype_of(from_), find_dtype(to)
    if source is dt.bool_ and target is not dt.bool_:
        return False
    try:
        return dt.promote(source, target) is target
    except DTypeError:
        return False


def result_type(*arrays_and_dtypes: Any) -> dt.DType:
    """The dtype in which arrays, dtypes and Python numbers meet; Python numbers are weak.

    Raises: DTypeError where there is none, or nothing was given.
    """
    strong = [_dtype_of(value) for value in arrays_and_dtypes if type(value) not in SCALARS]
    weak = [value for value in arrays_and_dtypes if type(value) in SCALARS]
    if not strong:
        if not weak:
            raise DTypeError("result_type needs at least one array, dtype or number")
        strong = [dt.of_scalar(weak.pop(0))]
    common = strong[0]
    for other in strong[1:]:
        common = dt.promote(common, other)
    for scalar in weak:
        common = dt.with_scalar(common, scalar)
    return common


def isdtype(dtype: dt.DType | str, kind: Any) -> bool:
    """Whether a dtype is of a kind: a dtype, one of the standard's names of kinds, or a tuple of these.

    Raises: AttributeValueError for an unknown kind.
    """
    found = find_dtype(dtype)
    if isinstance(kind, tuple):
        return any(isdtype(found, each) for each in kind)
    if isinstance(kind, str) and kind in _KINDS:
        return found.kind in _KINDS[kind]
    if isinstance(kind, str):
        raise AttributeValueError(f"isdtype: unknown kind {kind!r}", expected=", ".join(_KINDS), got=repr(kind))
    return found is find_dtype(kind)


def finfo(type: Any, /) -> FloatingInfo:
    """What a floating dtype (of an array, or by name) can hold; for a complex one, its parts.

    Raises: DTypeError for other dtypes.
    """
    found = _dtype_of(type)
    if found.is_complex:
        found = dt.float32 if found is dt.complex64 else dt.float64
    if not found.is_floating:
        raise DTypeError(f"finfo: {found} is no floating dtype", expected="a floating or complex dtype", got=f"{found}")
    if np.dtype(numpy_dtype(found)).kind == "f":
        info: Any = np.finfo(numpy_dtype(found))
    else:
        import ml_dtypes

        info = ml_dtypes.finfo(numpy_dtype(found))  # type: ignore[no-untyped-call]  # ml_dtypes leaves it untyped
    return FloatingInfo(
        found.size_bytes * 8, float(info.eps), float(info.max), float(info.min), float(info.smallest_normal), found
    )


def iinfo(type: Any, /) -> IntegerInfo:
    """What an integer dtype (of an array, or by name) can hold.

    Raises: DTypeError for other dtypes.
    """
    found = _dtype_of(type)
    if not found.is_integer:
        raise DTypeError(f"iinfo: {found} is no integer dtype", expected="an integer dtype", got=f"{found}")
    bits = found.size_bytes * 8
    if found.kind == dt.UNSIGNED:
        return IntegerInfo(bits, 2**bits - 1, 0, found)
    return IntegerInfo(bits, 2 ** (bits - 1) - 1, -(2 ** (bits - 1)), found)


def _dtype_of(value: Any) -> dt.DType:
    if hasattr(value, "dtype") and hasattr(value, "shape"):
        return find_dtype(value.dtype)
    if isinstance(value, (dt.DType, str, type)) or hasattr(value, "itemsize"):
        return find_dtype(value)
    return convert(value).dtype
