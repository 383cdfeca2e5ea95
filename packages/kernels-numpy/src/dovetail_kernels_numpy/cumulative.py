"""Running sums and products along an axis, and differences of neighbours."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from dovetail_protocols import operations as ops
from dovetail_protocols.kernels import CallMeta

from .declaration import kernel
from .dtypes import numpy_dtype
from .precision import is_narrow, widened


@kernel(ops.cumulative_sum, binding="per_dtype")
def cumulative_sum(call: CallMeta) -> Any:
    return _accumulating(call, np.cumulative_sum)


@kernel(ops.cumulative_prod, binding="per_dtype")
def cumulative_prod(call: CallMeta) -> Any:
    return _accumulating(call, np.cumulative_prod)


def _accumulating(call: CallMeta, function: Any) -> Any:
    if is_narrow(call):
        return widened(call, partial(function, **call.attributes))
    return partial(function, dtype=numpy_dtype(call.results[0].dtype), **call.attributes)


@kernel(ops.diff)
def diff(call: CallMeta) -> Any:
    axis, times = call.attributes["axis"], call.attributes["n"]

    def run(x: Any, prepend: Any, append: Any) -> Any:
        parts = [part for part in (prepend, x, append) if part is not None]
        joined = np.concatenate(parts, axis=axis) if len(parts) > 1 else x
        return np.diff(joined, n=times, axis=axis)

    return run
