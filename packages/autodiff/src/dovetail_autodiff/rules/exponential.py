"""Exponentials and logarithms."""

from __future__ import annotations

from math import log as natural_logarithm
from typing import Any

from dovetail_protocols import operations as ops

from .elementwise import derivative_of, derivatives_of

LN_2, LN_10 = natural_logarithm(2.0), natural_logarithm(10.0)


@derivative_of(ops.exp)
def exp(u: Any, result: Any, x: Any) -> Any:
    return u * result


@derivative_of(ops.expm1)
def expm1(u: Any, result: Any, x: Any) -> Any:
    return u * (result + 1)


@derivative_of(ops.exp2)
def exp2(u: Any, result: Any, x: Any) -> Any:
    return u * (result * LN_2)


@derivative_of(ops.log)
def log(u: Any, result: Any, x: Any) -> Any:
    return u / x


@derivative_of(ops.log1p)
def log1p(u: Any, result: Any, x: Any) -> Any:
    return u / (x + 1)


@derivative_of(ops.log2)
def log2(u: Any, result: Any, x: Any) -> Any:
    return u / (x * LN_2)


@derivative_of(ops.log10)
def log10(u: Any, result: Any, x: Any) -> Any:
    return u / (x * LN_10)


@derivatives_of(ops.logaddexp)
def logaddexp(result: Any, x1: Any, x2: Any) -> Any:
    return (lambda u: u * ops.exp(x1 - result)), (lambda u: u * ops.exp(x2 - result))
