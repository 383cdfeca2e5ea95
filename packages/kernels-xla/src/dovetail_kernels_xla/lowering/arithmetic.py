"""Arithmetic where the standard and JAX differ: quotients and remainders, powers, sign bits, neighbors."""

from __future__ import annotations

from math import log
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax

from dovetail_protocols import operations as ops
from dovetail_protocols.kernels import CallMeta

from .registry import lowering, widened


@lowering(ops.floor_divide)
@widened
def floor_divide(call: CallMeta, x1: Any, x2: Any) -> Any:
    if call.results[0].dtype.is_integer:
        zero = x2 == 0
        return jnp.where(zero, jnp.zeros((), x2.dtype), jnp.floor_divide(x1, jnp.where(zero, jnp.ones_like(x2), x2)))
    x1, x2 = jnp.broadcast_arrays(x1, x2)
    quotient, rest = x1 / x2, lax.rem(x1, x2)
    whole = (x1 - rest) / x2
    whole = jnp.where((rest != 0) & ((x2 < 0) != (rest < 0)), whole - 1, whole)
    lower = jnp.floor(whole)
    lower = jnp.where(whole - lower > 0.5, lower + 1, lower)
    result = jnp.where(whole != 0, lower, jnp.copysign(jnp.zeros_like(whole), quotient))
    return jnp.where((x2 == 0) | jnp.isinf(x1), quotient, result)


@lowering(ops.remainder)
@widened
def remainder(call: CallMeta, x1: Any, x2: Any) -> Any:
    if call.results[0].dtype.is_integer:
        zero = x2 == 0
        return jnp.where(zero, jnp.zeros((), x2.dtype), jnp.remainder(x1, jnp.where(zero, jnp.ones_like(x2), x2)))
    x1, x2 = jnp.broadcast_arrays(x1, x2)
    rest = lax.rem(x1, x2)
    signed = jnp.where((x2 < 0) != (rest < 0), rest + x2, rest)
    return jnp.where(rest != 0, signed, jnp.copysign(rest, x2))


@lowering(ops.pow)
@widened
def pow(call: CallMeta, x1: Any, x2: Any) -> Any:
    return jnp.power(x1, x2)


@lowering(ops.exp2)
@widened
def exp2(call: CallMeta, x: Any) -> Any:
    if not jnp.iscomplexobj(x):
        return jnp.exp2(x)
    # As a product of complex numbers x · log 2 would be NaN for infinite x.
    return jnp.exp(lax.complex(x.real * np.asarray(log(2), x.real.dtype), x.imag * np.asarray(log(2), x.real.dtype)))


@lowering(ops.sign)
@widened
def sign(call: CallMeta, x: Any) -> Any:
    if not jnp.iscomplexobj(x):
        return jnp.sign(x)
    # Only the infinite parts of an infinite number count: ∞ / ∞ would be NaN.
    parts = (jnp.where(jnp.isinf(part), jnp.copysign(1, part), jnp.zeros_like(part)) for part in (x.real, x.imag))
    return jnp.sign(jnp.where(jnp.isinf(x), lax.complex(*parts), x))


@lowering(ops.signbit)
def signbit(call: CallMeta, x: Any) -> Any:
    return _bits(x) < 0


@lowering(ops.copysign)
def copysign(call: CallMeta, x1: Any, x2: Any) -> Any:
    magnitude, sign = _bits(x1), _bits(x2)
    top = np.array(np.iinfo(magnitude.dtype).min, magnitude.dtype)
    return lax.bitcast_convert_type((magnitude & ~top) | (sign & top), x1.dtype)


@lowering(ops.nextafter)
def nextafter(call: CallMeta, x1: Any, x2: Any) -> Any:
    """By bits: the next number away from zero has the next bit pattern."""
    x1, x2 = jnp.broadcast_arrays(x1, x2)
    bits = _bits(x1)
    one, top = (np.array(n, bits.dtype) for n in (1, np.iinfo(bits.dtype).min))
    magnitude = bits & ~top
    # Compared in float32 at least: XLA has no comparison of all narrow dtypes.
    first, second = (x if x.dtype.itemsize >= 4 else x.astype(jnp.float32) for x in (x1, x2))
    outward = (first > 0) == (second > first)
    step = jnp.where(outward, bits + one, bits - one)
    smallest = (_bits(x2) & top) | one
    moved = jnp.where(magnitude == 0, smallest, step)
    moved = jnp.where(_is_same(first, second, magnitude, _bits(x2) & ~top), _bits(x2), moved)
    result = lax.bitcast_convert_type(moved, x1.dtype)
    return jnp.where(jnp.isnan(first) | jnp.isnan(second), jnp.array(jnp.nan, x1.dtype), result)


def _is_same(first: Any, second: Any, magnitude: Any, other: Any) -> Any:
    """Whether numbers are equal, told by bits where comparisons would take subnormal numbers for zeros."""
    both_zero = (magnitude == 0) & (other == 0)
    return both_zero | ((magnitude == other) & (jnp.signbit(first) == jnp.signbit(second)))


def _bits(x: Any) -> Any:
    return lax.bitcast_convert_type(x, np.dtype(f"i{x.dtype.itemsize}"))
