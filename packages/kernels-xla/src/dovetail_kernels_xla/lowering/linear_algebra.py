"""Products of matrices, and how precisely they are computed."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from dovetail_protocols import operations as ops
from dovetail_protocols.kernels import CallMeta

from ..dtypes import is_narrow
from .registry import lowering


def precision() -> Any:
    """What products are computed in: the dtype's own precision, unless the user's configuration of JAX says otherwise.

    Accelerators would else round float32 operands to 10 or 7 bits, which is not what float32 means here.
    """
    chosen = jax.config.jax_default_matmul_precision  # type: ignore[attr-defined] # options are defined at run time
    return lax.Precision.HIGHEST if chosen is None else None


@lowering(ops.matmul)
def matmul(call: CallMeta, x1: Any, x2: Any) -> Any:
    return product(x1, x2).astype(x1.dtype)


def product(x1: Any, x2: Any) -> Any:
    """The matrix product, with float32 sums where the dtype is narrower: those come out as float32."""
    if x1.dtype.itemsize == 1 and is_narrow(x1.dtype):
        x1, x2 = x1.astype(jnp.float32), x2.astype(jnp.float32)
    sums = np.dtype(np.float32) if is_narrow(x1.dtype) else x1.dtype
    return jnp.matmul(x1, x2, precision=precision(), preferred_element_type=sums)
