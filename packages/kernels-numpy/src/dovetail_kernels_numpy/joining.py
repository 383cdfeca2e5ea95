"""Several arrays to one, and one to several."""

from __future__ import annotations

from typing import Any

import numpy as np

from dovetail_protocols import operations as ops
from dovetail_protocols.kernels import CallMeta

from .declaration import kernel


@kernel(ops.concat, binding="per_dtype")
def concat(call: CallMeta) -> Any:
    axis = call.attributes["axis"]
    return lambda *arrays: np.concatenate(arrays, axis)


@kernel(ops.stack, binding="per_dtype")
def stack(call: CallMeta) -> Any:
    axis = call.attributes["axis"]
    return lambda *arrays: np.stack(arrays, axis)


@kernel(ops.unstack, binding="per_dtype")
def unstack(call: CallMeta) -> Any:
    axis = call.attributes["axis"]
    return lambda x: tuple(np.moveaxis(x, axis, 0))


@kernel(ops.split)
def split(call: CallMeta) -> Any:
    axis = call.attributes["axis"] % call.results[0].ndim if call.results else 0
    keys = []
    start = 0
    for result in call.results:
        stop = start + result.shape[axis]
        keys.append((*(slice(None),) * axis, slice(start, stop)))
        start = stop
    return lambda x: tuple(x[key] for key in keys)
