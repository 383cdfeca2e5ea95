"""Operations element by element that JAX has as the standard means them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
from jax import lax

from dovetail_protocols import operations as ops
from dovetail_protocols.kernels import CallMeta
from dovetail_protocols.operation import Operation

from .registry import lowering, widened

PLAIN: dict[Operation, Callable[..., Any]] = {
    ops.add: jnp.add,
    ops.subtract: jnp.subtract,
    ops.multiply: jnp.multiply,
    ops.negative: jnp.negative,
    ops.conj: jnp.conj,
    ops.real: jnp.real,
    ops.imag: jnp.imag,
    ops.where: jnp.where,
    ops.logical_and: jnp.logical_and,
    ops.logical_or: jnp.logical_or,
    ops.logical_xor: jnp.logical_xor,
    ops.logical_not: jnp.logical_not,
    ops.bitwise_and: jnp.bitwise_and,
    ops.bitwise_or: jnp.bitwise_or,
    ops.bitwise_xor: jnp.bitwise_xor,
    ops.bitwise_invert: jnp.bitwise_invert,
    ops.bitwise_left_shift: jnp.left_shift,
    ops.bitwise_right_shift: jnp.right_shift,
}
"""Those that round once at most, so that every dtype may compute them as it is."""

WIDENED: dict[Operation, Callable[..., Any]] = {
    ops.abs: jnp.abs,
    ops.divide: jnp.divide,
    ops.maximum: jnp.maximum,
    ops.minimum: jnp.minimum,
    ops.hypot: jnp.hypot,
    ops.sqrt: jnp.sqrt,
    ops.exp: jnp.exp,
    ops.expm1: jnp.expm1,
    ops.log: jnp.log,
    ops.log1p: jnp.log1p,
    ops.log2: jnp.log2,
    ops.log10: jnp.log10,
    ops.sin: jnp.sin,
    ops.cos: jnp.cos,
    ops.tan: jnp.tan,
    ops.asin: jnp.arcsin,
    ops.acos: jnp.arccos,
    ops.atan: jnp.arctan,
    ops.atan2: jnp.arctan2,
    ops.sinh: jnp.sinh,
    ops.cosh: jnp.cosh,
    ops.tanh: jnp.tanh,
    ops.asinh: jnp.arcsinh,
    ops.acosh: jnp.arccosh,
    ops.atanh: jnp.arctanh,
    ops.erf: lax.erf,
    ops.erfinv: lax.erf_inv,
    ops.sigmoid: lax.logistic,
    ops.equal: jnp.equal,
    ops.not_equal: jnp.not_equal,
    ops.less: jnp.less,
    ops.less_equal: jnp.less_equal,
    ops.greater: jnp.greater,
    ops.greater_equal: jnp.greater_equal,
    ops.isnan: jnp.isnan,
    ops.isinf: jnp.isinf,
    ops.isfinite: jnp.isfinite,
}
"""Those that take several steps, or that XLA lacks for some narrow dtype: computed in float32 there."""

ROUNDED: dict[Operation, Callable[[Any], Any]] = {
    ops.ceil: jnp.ceil,
    ops.floor: jnp.floor,
    ops.trunc: jnp.trunc,
    ops.round: jnp.round,
}


def _lower_plain(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda call, *operands: function(*operands)


def _lower_rounding(function: Callable[[Any], Any]) -> Callable[..., Any]:
    return lambda call, x: x if call.results[0].dtype.is_integer else function(x)


for _operation, _function in PLAIN.items():
    lowering(_operation)(_lower_plain(_function))
for _operation, _function in WIDENED.items():
    lowering(_operation)(widened(_lower_plain(_function)))
for _operation, _function in ROUNDED.items():
    lowering(_operation)(widened(_lower_rounding(_function)))


@lowering(ops.stop_gradient, ops.positive)
def identity(call: CallMeta, x: Any) -> Any:
    return x
