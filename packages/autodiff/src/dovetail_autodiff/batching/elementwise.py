"""Batching of operations that work element by element, with broadcasting."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dovetail_protocols import operations as ops
from dovetail_protocols.operation import Operation

from ..extend import batching_of


def aligned(is_batched: Sequence[bool], operands: Sequence[Any]) -> list[Any]:
    """The operands so that they broadcast as single examples do: batched ones of lower rank than others get axes of
    size 1 after the batch. Unbatched ones broadcast over the batch as they are."""
    ranks = [
        0 if operand is None else len(operand.shape) - batched
        for operand, batched in zip(operands, is_batched, strict=True)
    ]
    highest = max(ranks)
    return [
        ops.expand_dims(operand, axis=tuple(range(1, 1 + highest - rank))) if batched and rank < highest else operand
        for operand, batched, rank in zip(operands, is_batched, ranks, strict=True)
    ]


def elementwise(operation: Operation) -> None:
    """Declares an operation as one whose examples can be computed together, element by element."""

    def rule(size: int, is_batched: tuple[bool, ...], *operands: Any, **attributes: Any) -> Any:
        return operation(*aligned(is_batched, operands), **attributes)

    batching_of(operation)(rule)


UNARY = (
    *(ops.negative, ops.positive, ops.abs, ops.square, ops.reciprocal, ops.sqrt, ops.rsqrt, ops.sign, ops.signbit),
    *(ops.real, ops.imag, ops.conj, ops.ceil, ops.floor, ops.round, ops.trunc, ops.stop_gradient, ops.cast),
    *(ops.exp, ops.expm1, ops.exp2, ops.log, ops.log1p, ops.log2, ops.log10, ops.erf, ops.erfinv),
    *(ops.sin, ops.cos, ops.tan, ops.asin, ops.acos, ops.atan),
    *(ops.sinh, ops.cosh, ops.tanh, ops.asinh, ops.acosh, ops.atanh),
    *(ops.isnan, ops.isinf, ops.isfinite, ops.logical_not, ops.bitwise_invert),
    *(ops.relu, ops.relu6, ops.leaky_relu, ops.elu, ops.selu, ops.celu, ops.gelu, ops.sigmoid, ops.silu),
    *(ops.softplus, ops.log_sigmoid, ops.softsign, ops.hard_sigmoid, ops.hard_silu, ops.mish),
)
SEVERAL = (
    *(ops.add, ops.subtract, ops.multiply, ops.divide, ops.floor_divide, ops.remainder, ops.pow, ops.hypot),
    *(ops.maximum, ops.minimum, ops.clip, ops.copysign, ops.nextafter, ops.logaddexp, ops.atan2),
    *(ops.equal, ops.not_equal, ops.less, ops.less_equal, ops.greater, ops.greater_equal),
    *(ops.logical_and, ops.logical_or, ops.logical_xor, ops.bitwise_and, ops.bitwise_or, ops.bitwise_xor),
    *(ops.bitwise_left_shift, ops.bitwise_right_shift),
)

for _operation in (*UNARY, *SEVERAL):
    elementwise(_operation)
