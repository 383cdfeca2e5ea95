"""Reductions."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from dovetail_protocols import operations as ops
from dovetail_protocols.kernels import CallMeta

from .declaration import kernel
from .dtypes import numpy_dtype
from .precision import is_narrow, quiet, widened


@kernel(ops.sum, binding="per_dtype")
def sum(call: CallMeta) -> Any:
    return _accumulating(call, np.add)


@kernel(ops.prod, binding="per_dtype")
def prod(call: CallMeta) -> Any:
    return _accumulating(call, np.multiply)


def _accumulating(call: CallMeta, ufunc: Any) -> Any:
    if is_narrow(call):
        return widened(call, partial(ufunc.reduce, **_axes(call)))
    # NumPy widens small integers unless told the dtype.
    return partial(ufunc.reduce, dtype=numpy_dtype(call.results[0].dtype), **_axes(call))


@kernel(ops.max, binding="per_dtype")
def max(call: CallMeta) -> Any:
    return _extreme(call, np.maximum)


@kernel(ops.min, binding="per_dtype")
def min(call: CallMeta) -> Any:
    return _extreme(call, np.minimum)


def _extreme(call: CallMeta, ufunc: Any) -> Any:
    run = partial(ufunc.reduce, **_axes(call))
    return quiet(run) if is_narrow(call) else run


@kernel(ops.all, binding="per_dtype")
def all(call: CallMeta) -> Any:
    return partial(np.all, **_axes(call))


@kernel(ops.any, binding="per_dtype")
def any(call: CallMeta) -> Any:
    return partial(np.any, **_axes(call))


@kernel(ops.count_nonzero, binding="per_dtype")
def count_nonzero(call: CallMeta) -> Any:
    axes = _axes(call)
    return lambda x: np.add.reduce(x != 0, dtype=np.int64, **axes)


def _axes(call: CallMeta) -> dict[str, Any]:
    return {"axis": call.attributes["axis"], "keepdims": call.attributes["keepdims"]}
