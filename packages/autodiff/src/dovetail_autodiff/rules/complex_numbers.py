"""The parts of complex numbers: linear over the reals only. Cotangents aren't conjugated, see elementwise.py."""

from __future__ import annotations

from typing import Any

from dovetail_protocols import operations as ops

from ..extend import gradient_of, jvp_of


@gradient_of(ops.real)
def real(cotangent: Any, result: Any, x: Any) -> Any:
    return ops.cast(cotangent, dtype=x.dtype) if x.dtype.is_complex else cotangent


@jvp_of(ops.real)
def real_forward(tangents: Any, result: Any, x: Any) -> Any:
    return ops.real(tangents[0])


@gradient_of(ops.imag)
def imag(cotangent: Any, result: Any, x: Any) -> Any:
    return ops.cast(cotangent, dtype=x.dtype) * -1j if x.dtype.is_complex else None


@jvp_of(ops.imag)
def imag_forward(tangents: Any, result: Any, x: Any) -> Any:
    return ops.imag(tangents[0])


@gradient_of(ops.conj)
def conj(cotangent: Any, result: Any, x: Any) -> Any:
    return ops.conj(cotangent)


@jvp_of(ops.conj)
def conj_forward(tangents: Any, result: Any, x: Any) -> Any:
    return ops.conj(tangents[0])
