"""Arrays made of attributes alone, and triangles of matrices. Every call gives a buffer of its own."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from dovetail_protocols import operations as ops
from dovetail_protocols.kernels import CallMeta

from .declaration import kernel
from .dtypes import numpy_dtype
from .precision import quiet


@kernel(ops.full)
def full(call: CallMeta) -> Any:
    result = call.results[0]
    return quiet(partial(np.full, result.shape, call.attributes["fill_value"], numpy_dtype(result.dtype)))


@kernel(ops.arange)
def arange(call: CallMeta) -> Any:
    result = call.results[0]
    start, stop, step = (call.attributes[name] for name in ("start", "stop", "step"))
    first = 0 if stop is None else start
    exact: Any = np.int64 if isinstance(first, int) and isinstance(step, int) else np.float64
    if result.dtype.name == "uint64":
        exact = np.uint64
    dtype, count = numpy_dtype(result.dtype), result.shape[0]

    def run() -> Any:
        # Multiples of the step, each rounded once; adding steps up would add up their rounding errors.
        return (np.arange(count).astype(exact) * exact(step) + exact(first)).astype(dtype)

    return quiet(run)


@kernel(ops.linspace)
def linspace(call: CallMeta) -> Any:
    result = call.results[0]
    start, stop, endpoint = (call.attributes[name] for name in ("start", "stop", "endpoint"))
    dtype, count = numpy_dtype(result.dtype), result.shape[0]
    return quiet(lambda: np.linspace(start, stop, count, endpoint=endpoint).astype(dtype))


@kernel(ops.eye)
def eye(call: CallMeta) -> Any:
    result = call.results[0]
    return partial(np.eye, *result.shape, call.attributes["k"], numpy_dtype(result.dtype))


@kernel(ops.tril)
def tril(call: CallMeta) -> Any:
    return partial(np.tril, k=call.attributes["k"])


@kernel(ops.triu)
def triu(call: CallMeta) -> Any:
    return partial(np.triu, k=call.attributes["k"])
