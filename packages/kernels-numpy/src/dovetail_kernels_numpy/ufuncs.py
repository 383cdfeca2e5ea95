"""Operations that are one NumPy ufunc each."""

from __future__ import annotations

from typing import Any

import numpy as np

from dovetail_protocols import operations as ops
from dovetail_protocols.kernels import CallMeta

from .declaration import kernel
from .dtypes import numpy_dtype
from .precision import quiet

BARE = {
    ops.add: np.add,
    ops.subtract: np.subtract,
    ops.multiply: np.multiply,
    ops.negative: np.negative,
    ops.maximum: np.maximum,
    ops.minimum: np.minimum,
    ops.signbit: np.signbit,
    ops.copysign: np.copysign,
    ops.conj: np.conjugate,
    ops.ceil: np.ceil,
    ops.floor: np.floor,
    ops.trunc: np.trunc,
    ops.equal: np.equal,
    ops.not_equal: np.not_equal,
    ops.less: np.less,
    ops.less_equal: np.less_equal,
    ops.greater: np.greater,
    ops.greater_equal: np.greater_equal,
    ops.isnan: np.isnan,
    ops.isinf: np.isinf,
    ops.isfinite: np.isfinite,
    ops.logical_and: np.logical_and,
    ops.logical_or: np.logical_or,
    ops.logical_xor: np.logical_xor,
    ops.logical_not: np.logical_not,
    ops.bitwise_and: np.bitwise_and,
    ops.bitwise_or: np.bitwise_or,
    ops.bitwise_xor: np.bitwise_xor,
    ops.bitwise_invert: np.bitwise_invert,
    ops.bitwise_left_shift: np.bitwise_left_shift,
    ops.bitwise_right_shift: np.bitwise_right_shift,
}
"""Called as they are: np.errstate costs more than such a call on few elements, and none of them warns in normal use,
but for the dtypes from ml_dtypes, whose comparisons warn of NaN, and for complex numbers, whose products overflow."""

GUARDED = {
    ops.abs: np.absolute,  # overflows for complex numbers
    ops.sign: np.sign,
    ops.divide: np.divide,
    ops.remainder: np.remainder,
    ops.sqrt: np.sqrt,
    ops.square: np.square,
    ops.hypot: np.hypot,
    ops.nextafter: np.nextafter,
    ops.exp: np.exp,
    ops.expm1: np.expm1,
    ops.exp2: np.exp2,
    ops.log: np.log,
    ops.log1p: np.log1p,
    ops.log2: np.log2,
    ops.log10: np.log10,
    ops.logaddexp: np.logaddexp,
    ops.sin: np.sin,
    ops.cos: np.cos,
    ops.tan: np.tan,
    ops.asin: np.arcsin,
    ops.acos: np.arccos,
    ops.atan: np.arctan,
    ops.atan2: np.arctan2,
    ops.sinh: np.sinh,
    ops.cosh: np.cosh,
    ops.tanh: np.tanh,
    ops.asinh: np.arcsinh,
    ops.acosh: np.arccosh,
    ops.atanh: np.arctanh,
}
"""Those that overflow, or meet NaN and infinities, in normal use."""


def ufunc(call: CallMeta) -> Any:
    bare = BARE.get(call.operation)
    if bare is None:
        return quiet(GUARDED[call.operation])
    is_plain = all(meta is None or numpy_dtype(meta.dtype).kind in "biuf" for meta in call.operands)
    return bare if is_plain else quiet(bare)


for _operation in (*BARE, *GUARDED):
    kernel(_operation, binding="per_dtype")(ufunc)
