"""Products of vectors and matrices, and diagonals."""

from __future__ import annotations

from functools import partial
from operator import methodcaller
from typing import Any

import numpy as np

from dovetail_protocols import operations as ops
from dovetail_protocols.kernels import CallMeta

from .declaration import kernel
from .dtypes import numpy_dtype

LOW_PRECISION = frozenset({"float16", "bfloat16", "float8_e4m3fn", "float8_e5m2"})


def widened(call: CallMeta, function: Any) -> Any:
    """The function, computed in float32 and rounded once where the operands are narrower: NumPy's own products of those
    are slow, and round after each step or give float32."""
    dtype = call.results[0].dtype
    if dtype.name not in LOW_PRECISION:
        return function
    narrow = numpy_dtype(dtype)

    def run(*operands: Any) -> Any:
        with np.errstate(all="ignore"):
            return function(*(operand.astype(np.float32) for operand in operands)).astype(narrow)

    return run


@kernel(ops.matmul, binding="per_dtype")
def matmul(call: CallMeta) -> Any:
    return widened(call, np.matmul)


@kernel(ops.vecdot)
def vecdot(call: CallMeta) -> Any:
    return widened(call, partial(np.vecdot, axis=call.attributes["axis"]))


@kernel(ops.outer)
def outer(call: CallMeta) -> Any:
    return np.multiply.outer


@kernel(ops.diagonal, binding="per_dtype")
def diagonal(call: CallMeta) -> Any:
    return methodcaller("diagonal", call.attributes["offset"], -2, -1)
