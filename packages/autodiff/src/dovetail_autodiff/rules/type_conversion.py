"""Conversion of dtypes: linear over the reals. Integers and booleans on either side stop the gradient."""

from __future__ import annotations

from typing import Any

from dovetail_protocols import operations as ops
from dovetail_protocols.dtypes import DType

from ..extend import gradient_of, jvp_of


@gradient_of(ops.cast)
def cast(cotangent: Any, result: Any, x: Any, *, dtype: DType) -> Any:
    return _converted(cotangent, x.dtype) if _is_smooth(x, result) else None


@jvp_of(ops.cast)
def cast_forward(tangents: Any, result: Any, x: Any, *, dtype: DType) -> Any:
    return _converted(tangents[0], result.dtype) if _is_smooth(x, result) else None


def _is_smooth(x: Any, result: Any) -> bool:
    return bool(x.dtype.is_differentiable and result.dtype.is_differentiable)


def _converted(u: Any, dtype: DType) -> Any:
    """u in another dtype. Between real and complex the real part is what passes, in both directions: the imaginary part
    of a cotangent has no effect on a real number, and a complex number's is dropped on the way to a real dtype."""
    if u.dtype.is_complex and not dtype.is_complex:
        u = ops.real(u)
    return ops.cast(u, dtype=dtype)
