"""The sign of a number, and its neighbours among those that the dtype can represent."""

from __future__ import annotations

from typing import Any

from dovetail_protocols import operations as ops

from ..extend import gradient_of, not_differentiable
from .elementwise import derivatives_of


@gradient_of(ops.sign)
def sign(cotangent: Any, result: Any, x: Any) -> Any:
    if not x.dtype.is_complex:
        return None  # constant but for a step at 0
    # s = x / |x|, so that ds = (dx − s · Re(s̄ dx)) / |x|.
    along = ops.cast(ops.real(cotangent * result), dtype=x.dtype)
    return (cotangent - along * ops.conj(result)) / ops.cast(ops.abs(x), dtype=x.dtype)


not_differentiable(ops.signbit, "the result is boolean")


@derivatives_of(ops.copysign)
def copysign(result: Any, x1: Any, x2: Any) -> Any:
    def by_magnitude(u: Any) -> Any:
        return ops.where(ops.signbit(x1) == ops.signbit(x2), u, -u)

    return by_magnitude, None


not_differentiable(ops.nextafter, "a step of the size of the rounding error, which no derivative sees")
