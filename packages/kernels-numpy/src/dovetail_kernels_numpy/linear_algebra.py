"""Products of vectors and matrices, and diagonals."""

from __future__ import annotations

from functools import partial
from operator import methodcaller
from typing import Any

import numpy as np

from dovetail_protocols import operations as ops
from dovetail_protocols.kernels import CallMeta

from .declaration import kernel


@kernel(ops.matmul, binding="per_dtype")
def matmul(call: CallMeta) -> Any:
    return np.matmul


@kernel(ops.vecdot)
def vecdot(call: CallMeta) -> Any:
    return partial(np.vecdot, axis=call.attributes["axis"])


@kernel(ops.outer)
def outer(call: CallMeta) -> Any:
    return np.multiply.outer


@kernel(ops.diagonal, binding="per_dtype")
def diagonal(call: CallMeta) -> Any:
    return methodcaller("diagonal", call.attributes["offset"], -2, -1)
