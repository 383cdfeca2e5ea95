"""Operations whose results carry no gradient: integers, booleans, steps, and what is made of attributes alone."""

from __future__ import annotations

from dovetail_protocols import operations as ops

from ..extend import not_differentiable

REASONS = {
    "constant almost everywhere": (ops.ceil, ops.floor, ops.round, ops.trunc),
    "the result is boolean": (
        *(ops.equal, ops.not_equal, ops.less, ops.less_equal, ops.greater, ops.greater_equal),
        *(ops.isfinite, ops.isinf, ops.isnan, ops.logical_and, ops.logical_not, ops.logical_or, ops.logical_xor),
        *(ops.all, ops.any),
    ),
    "the result is an integer": (
        *(ops.bitwise_and, ops.bitwise_invert, ops.bitwise_or, ops.bitwise_xor),
        *(ops.bitwise_left_shift, ops.bitwise_right_shift, ops.count_nonzero),
    ),
    "there is no operand": (ops.arange, ops.eye, ops.full, ops.linspace),
    "a constant to every derivative, as its name says": (ops.stop_gradient,),
}

for _reason, _operations in REASONS.items():
    for _operation in _operations:
        not_differentiable(_operation, _reason)
