"""A matrix product of our own, for matrices only."""

import numpy as np

from dovetail_protocols.kernels import Unsupported

CALLS = []
"""Shapes of the products computed so far, for those who want to know that this kernel is in use."""


def matmul(call):
    if any(operand.ndim != 2 for operand in call.operands):
        return Unsupported("only matrices, not batches of them")

    def kernel(x1, x2):
        CALLS.append((x1.shape, x2.shape))
        return np.einsum("ij,jk->ik", x1, x2)

    return kernel
