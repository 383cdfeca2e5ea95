"""How far a result may be from the reference, and why.

The reference is computed in float64 from the very same rounded operands, so that all difference is the kernel's own
rounding. With the unit of a dtype ε (the distance from 1 to the next number), a computation of n roundings of terms no
greater than m is off by at most about n · ε / 2 · m (Higham, Accuracy and Stability of Numerical Algorithms, 2002,
section 3.1). The bank's operands have up to about 70 elements that meet in one sum, are between -4 and 4 but for a few
named cases, and library functions (exp, erf, …) are commonly right to 1 to 4 units; so n is taken as 32, a compromise
between sums of many terms, whose errors mostly cancel, and single operations. m is the greatest finite magnitude among
the result and 1: terms that cancel are of that order in the bank.

    |got - expected| ≤ factor · ε · (|expected| + m)         ε: the widest of the result's and the floating operands'

Integers, booleans and operations that only move elements are compared exactly by the same rule: their ε is 0, or they
give the very number of the reference.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import ml_dtypes
import numpy as np

from .cases import Buffer
from .numpy_dtypes import dovetail_dtype

FACTORS = {"exact": 0.0, "default": 16.0, "loose": 256.0}
"""By `KernelSpec.tolerance`: factor · 2 = n above. "loose" is for fast approximations that say so."""


def is_inexact(dtype: np.dtype[Any]) -> bool:
    """Whether numbers of a dtype are rounded: floating and complex ones."""
    return dovetail_dtype(dtype).is_differentiable


@cache
def unit(dtype: np.dtype[Any]) -> float:
    """ε of a dtype; 0 for integers and bool."""
    return float(_limits(dtype).eps) if is_inexact(dtype) else 0.0


def _limits(dtype: np.dtype[Any]) -> Any:
    return ml_dtypes.finfo(dtype)  # type: ignore[no-untyped-call] # ml_dtypes doesn't annotate it


def difference(got: Buffer, expected: Buffer, eps: float, factor: float) -> str | None:
    """What is wrong with a result beside its reference, of equal shape, as text; None where it is near enough."""
    if not is_inexact(got.dtype):
        wrong = np.asarray(got != expected)
        return _describe(got, expected, wrong) if wrong.any() else None
    wide = np.complex128 if dovetail_dtype(got.dtype).is_complex else np.float64
    one, other = got.astype(wide), np.asarray(expected).astype(wide)
    if wide is np.float64:
        wrong = _wrong(one, other, eps * factor, got.dtype)
    else:
        with np.errstate(invalid="ignore"):
            scale = _magnitude(np.abs(other))
        real = _wrong(one.real, other.real, eps * factor, got.dtype, scale)
        wrong = real | _wrong(one.imag, other.imag, eps * factor, got.dtype, scale)
        # One infinity in the complex plane, and one NaN, whatever their parts.
        wrong &= ~((_is_infinite(one) & _is_infinite(other)) | (_is_nan(one) & _is_nan(other)))
    return _describe(got, expected, wrong) if wrong.any() else None


def _is_infinite(array: Buffer) -> Buffer:
    return np.asarray(np.isinf(array.real) | np.isinf(array.imag))


def _is_nan(array: Buffer) -> Buffer:
    return np.asarray(np.isnan(array) & ~_is_infinite(array))


def _magnitude(array: Buffer) -> float:
    finite = array[np.isfinite(array)]
    return max(1.0, float(finite.max())) if finite.size else 1.0


def _wrong(got: Buffer, expected: Buffer, relative: float, dtype: np.dtype[Any], scale: float | None = None) -> Buffer:
    limits = _limits(dtype)
    with np.errstate(all="ignore"):
        room = relative * (np.abs(expected) + (_magnitude(np.abs(expected)) if scale is None else scale))
        near = np.abs(got - expected) <= room
        beyond = np.abs(expected) * (1 + relative) >= float(limits.max)
    overflowed = beyond & (np.isinf(got) | np.isnan(got) | (np.abs(got) >= float(limits.max) * (1 - relative)))
    same = (got == expected) | (np.isnan(got) & np.isnan(expected))
    return np.asarray(~(near | same | (overflowed & ~np.isnan(expected))))


def _describe(got: Buffer, expected: Buffer, wrong: Buffer) -> str:
    place = tuple(int(index[0]) for index in np.nonzero(np.atleast_1d(wrong))) if wrong.ndim else ()
    return (
        f"{int(np.count_nonzero(wrong))} of {wrong.size} elements are wrong; the first at {place}: "
        f"got {np.asarray(got)[place]}, expected {np.asarray(expected)[place]}"
    )
