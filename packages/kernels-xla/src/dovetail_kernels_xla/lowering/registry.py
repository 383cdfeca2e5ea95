"""How a lowering is declared: `@lowering(ops.matmul)` on a function of a call and its operands as JAX arrays."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import jax.numpy as jnp

from dovetail_protocols.kernels import CallMeta
from dovetail_protocols.operation import Operation

from ..dtypes import is_narrow, numpy_dtype

Lowering = Callable[..., Any]
LOWERINGS: dict[Operation, Lowering] = {}
"""Operation → (call, *operands) → the result, or a tuple of results. None stands for an operand left out."""


def lowering(*operations: Operation) -> Callable[[Lowering], Lowering]:
    """Declares how operations are said in JAX. The function is traced, so it looks at shapes and dtypes only."""

    def declare(function: Lowering) -> Lowering:
        LOWERINGS.update(dict.fromkeys(operations, function))
        return function

    return declare


def widened(function: Lowering) -> Lowering:
    """The lowering, computed in float32 and rounded once where its floating operands are narrower.

    A sum of 1000 ones in bfloat16 would stop at 256, and a formula of many steps would round at each.
    """

    @wraps(function)
    def lowered(call: CallMeta, *operands: Any) -> Any:
        if not any(operand is not None and is_narrow(operand.dtype) for operand in operands):
            return function(call, *operands)
        result = function(call, *(None if operand is None else wide(operand) for operand in operands))
        return result.astype(numpy_dtype(call.results[0].dtype))

    return lowered


def wide(x: Any) -> Any:
    """The array in float32 where its floating dtype is narrower."""
    return x.astype(jnp.float32) if is_narrow(x.dtype) else x
