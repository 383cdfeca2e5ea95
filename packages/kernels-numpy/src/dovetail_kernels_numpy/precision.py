"""Care that kernels take of floating-point arithmetic: silence about NaN and infinities, and room for narrow dtypes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from dovetail_protocols.kernels import CallMeta

from .dtypes import numpy_dtype

Function = Callable[..., Any]


def quiet(function: Function) -> Function:
    """The function without NumPy's warnings: NaN and infinities are values here, not accidents."""

    def run(*inputs: Any) -> Any:
        with np.errstate(all="ignore"):
            return function(*inputs)

    return run


def is_narrow(call: CallMeta) -> bool:
    """Whether the first operand is a floating dtype of less than 4 bytes."""
    operand = call.operands[0]
    return operand is not None and operand.dtype.is_floating and operand.dtype.size_bytes < 4


def widened(call: CallMeta, function: Function) -> Function:
    """The function, computing in float32 where the dtype is narrower, and silent.

    A sum of 1000 ones in bfloat16 would stop at 256, and a formula of many steps would round at each.
    """
    if not is_narrow(call):
        return quiet(function)
    narrow = numpy_dtype(call.results[0].dtype)

    def run(*inputs: Any) -> Any:
        with np.errstate(all="ignore"):
            wide = [None if value is None else value.astype(np.float32) for value in inputs]
            return function(*wide).astype(narrow)

    return run
