"""Larger arrays from smaller ones."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from dovetail_protocols import operations as ops
from dovetail_protocols.errors import ShapeError
from dovetail_protocols.kernels import CallMeta

from .declaration import kernel
from .dtypes import numpy_dtype


@kernel(ops.repeat, binding="per_dtype")
def repeat(call: CallMeta) -> Any:
    return partial(np.repeat, repeats=call.attributes["repeats"], axis=call.attributes["axis"])


@kernel(ops.repeat_indices)
def repeat_indices(call: CallMeta) -> Any:
    def run(repeats: Any) -> Any:
        if repeats.size and repeats.min() < 0:
            raise ShapeError(
                "repeat: an element can't be repeated a negative number of times",
                where=f"repeat_indices, repeats[{repeats.argmin()}]",
                expected="0 or more",
                got=int(repeats.min()),
            )
        return np.repeat(np.arange(repeats.shape[0], dtype=np.int64), repeats.astype(np.int64))

    return run


@kernel(ops.tile, binding="per_dtype")
def tile(call: CallMeta) -> Any:
    return partial(np.tile, reps=call.attributes["repetitions"])


@kernel(ops.pad_constant)
def pad_constant(call: CallMeta) -> Any:
    source: Any = call.operands[0]
    result = call.results[0]
    padding = call.attributes["padding"]
    shape, dtype = result.shape, numpy_dtype(result.dtype)
    value = np.asarray(call.attributes["value"]).astype(dtype)
    if isinstance(padding, int):
        befores = [padding] * len(shape)
    elif len(padding) == 2 and isinstance(padding[0], int):
        befores = [padding[0]] * len(shape)
    else:
        befores = [before for before, _ in padding]
    inside = tuple(slice(before, before + size) for before, size in zip(befores, source.shape, strict=True))

    def run(x: Any) -> Any:
        padded = np.full(shape, value, dtype)
        padded[inside] = x
        return padded

    return run
