"""Python numbers as 0-d tensors."""

from __future__ import annotations

from typing import Any

import numpy as np

from dovetail_protocols import dtypes as dt
from dovetail_protocols.errors import DTypeError
from dovetail_protocols.metas import CPU, Device

from .devices import from_host
from .numpy_dtypes import numpy_dtype
from .signature import Signature, signature_of
from .tensor import Tensor, make

SCALARS = frozenset({bool, int, float, complex})
LIMIT = 512
_kept: dict[tuple[Signature, Any], Tensor] = {}


def scalar_tensor(value: Any, dtype: dt.DType | None = None, device: Device = CPU) -> Tensor:
    """A 0-d tensor of a Python number, in its default dtype unless one is given.

    Raises: DTypeError for a number that doesn't fit the dtype.
    """
    return scalar_beside(signature_of(dt.of_scalar(value) if dtype is None else dtype, device), value)


def scalar_beside(signature: Signature, value: Any) -> Tensor:
    """A 0-d tensor of a Python number in the dtype and on the device of a tensor's signature.

    Those in frequent use are kept: tensors are immutable.
    """
    found = _kept.get((signature, value))
    if found is None:
        if signature.shape is not None:
            return scalar_beside(signature_of(signature.dtype, signature.device), value)
        found = _make(value, signature)
        # 0.0 equals -0.0, 1 equals 1 - 0j, and NaN not even itself: none of these can be a key.
        if value and value == value and not signature.dtype.is_complex:
            if len(_kept) >= LIMIT:
                _kept.clear()
            _kept[signature, value] = found
    return found


def _make(value: Any, signature: Signature) -> Tensor:
    dtype = signature.dtype
    try:
        if type(value) in signature.scalars or dtype is dt.bool_:
            return make(from_host(np.array(value, numpy_dtype(dtype)), signature.device), signature)
    except OverflowError as error:
        raise DTypeError(f"the Python number {value!r} does not fit {dtype}", cause=str(error)) from error
    raise DTypeError(
        f"the Python number {value!r} does not fit {dtype}",
        expected=" or ".join(sorted(kind.__name__ for kind in signature.scalars)),
        got=type(value).__name__,
        fix=f"choose another dtype, or convert with .astype({dtype.name!r}) afterwards",
    )
