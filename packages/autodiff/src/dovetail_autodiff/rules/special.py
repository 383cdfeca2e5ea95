"""Special functions."""

from __future__ import annotations

from math import pi, sqrt
from typing import Any

from dovetail_protocols import operations as ops

from .elementwise import derivative_of


@derivative_of(ops.erf)
def erf(u: Any, result: Any, x: Any) -> Any:
    return u * (ops.exp(-(x * x)) * (2 / sqrt(pi)))


@derivative_of(ops.erfinv)
def erfinv(u: Any, result: Any, x: Any) -> Any:
    return u * (ops.exp(result * result) * (sqrt(pi) / 2))
