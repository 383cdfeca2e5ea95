"""Arithmetic."""

from __future__ import annotations

from typing import Any

from dovetail_protocols import operations as ops

from ..extend import gradient_of
from .broadcasting import unbroadcast


@gradient_of(ops.add)
def add(cotangent: Any, result: Any, x1: Any, x2: Any) -> Any:
    return unbroadcast(cotangent, x1), unbroadcast(cotangent, x2)


@gradient_of(ops.multiply)
def multiply(cotangent: Any, result: Any, x1: Any, x2: Any) -> Any:
    return unbroadcast(cotangent * x2, x1), unbroadcast(cotangent * x1, x2)
