"""Einstein summation and tensordot: pairs of operands as matrix products, which BLAS computes."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from dovetail_protocols import operations as ops
from dovetail_protocols.kernels import CallMeta
from dovetail_protocols.operations.contraction import execute
from dovetail_protocols.operations.einsum import einsum_plan

from .declaration import kernel
from .linear_algebra import widened


class _NumpyAlgebra:
    """The algebra of `contraction.execute` on NumPy arrays. Sums and products keep the operands' dtype."""

    def diagonal(self, x: Any, axis1: int, axis2: int) -> Any:
        return x.diagonal(0, axis1, axis2)

    def reshape(self, x: Any, shape: tuple[int, ...]) -> Any:
        return x.reshape(shape)

    def permute(self, x: Any, axes: tuple[int, ...]) -> Any:
        return x.transpose(axes)

    def sum(self, x: Any, axes: tuple[int, ...]) -> Any:
        return np.add.reduce(x, axis=axes, dtype=x.dtype)

    def multiply(self, left: Any, right: Any) -> Any:
        return np.multiply(left, right)

    def matmul(self, left: Any, right: Any) -> Any:
        return np.matmul(left, right)


_ALGEBRA = _NumpyAlgebra()


@kernel(ops.einsum)
def einsum(call: CallMeta) -> Any:
    plan = einsum_plan(call.attributes["subscripts"], [meta.shape for meta in call.operands if meta is not None])
    return widened(call, lambda *operands: execute(plan, operands, _ALGEBRA))


@kernel(ops.tensordot, binding="per_dtype")
def tensordot(call: CallMeta) -> Any:
    return widened(call, partial(np.tensordot, axes=call.attributes["axes"]))
