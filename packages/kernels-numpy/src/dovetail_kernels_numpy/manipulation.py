"""The same elements under another shape or another order of axes. Results are views where memory allows."""

from __future__ import annotations

from functools import partial
from operator import methodcaller
from typing import Any

import numpy as np

from dovetail_protocols import operations as ops
from dovetail_protocols.errors import AttributeValueError
from dovetail_protocols.kernels import CallMeta

from .declaration import kernel


@kernel(ops.reshape, binding="per_dtype")
def reshape(call: CallMeta) -> Any:
    shape, copy = call.attributes["shape"], call.attributes["copy"]
    if copy is None:
        return methodcaller("reshape", shape)
    return partial(_reshape_copying, shape, copy)


def _reshape_copying(shape: tuple[int, ...], copy: bool, x: Any) -> Any:
    reshaped = x.reshape(shape)
    shared = np.may_share_memory(reshaped, x)
    if copy:
        return reshaped.copy() if shared else reshaped
    if not shared and x.size:
        raise AttributeValueError(
            f"reshape: {x.shape} can't be seen as {shape} without copying",
            where="reshape, copy",
            cause=f"its strides are {x.strides} bytes",
            fix="leave copy=None",
        )
    return reshaped


@kernel(ops.flatten)
def flatten(call: CallMeta) -> Any:
    return methodcaller("reshape", call.results[0].shape)


@kernel(ops.broadcast_to, binding="per_dtype")
def broadcast_to(call: CallMeta) -> Any:
    return partial(_broadcast_to, call.attributes["shape"])


def _broadcast_to(shape: tuple[int, ...], x: Any) -> Any:
    return np.broadcast_to(x, shape)


@kernel(ops.broadcast_arrays)
def broadcast_arrays(call: CallMeta) -> Any:
    shape = call.results[0].shape
    return lambda *arrays: tuple(np.broadcast_to(array, shape) for array in arrays)


@kernel(ops.expand_dims, binding="per_dtype")
def expand_dims(call: CallMeta) -> Any:
    return partial(np.expand_dims, axis=call.attributes["axis"])


@kernel(ops.squeeze, binding="per_dtype")
def squeeze(call: CallMeta) -> Any:
    return methodcaller("squeeze", call.attributes["axis"])


@kernel(ops.permute_dims, binding="per_dtype")
def permute_dims(call: CallMeta) -> Any:
    return methodcaller("transpose", call.attributes["axes"])


@kernel(ops.matrix_transpose, binding="per_dtype")
def matrix_transpose(call: CallMeta) -> Any:
    return methodcaller("swapaxes", -1, -2)


@kernel(ops.moveaxis, binding="per_dtype")
def moveaxis(call: CallMeta) -> Any:
    return partial(np.moveaxis, source=call.attributes["source"], destination=call.attributes["destination"])


@kernel(ops.swapaxes, binding="per_dtype")
def swapaxes(call: CallMeta) -> Any:
    return methodcaller("swapaxes", call.attributes["axis1"], call.attributes["axis2"])


@kernel(ops.flip, binding="per_dtype")
def flip(call: CallMeta) -> Any:
    return partial(np.flip, axis=call.attributes["axis"])


@kernel(ops.roll, binding="per_dtype")
def roll(call: CallMeta) -> Any:
    return partial(np.roll, shift=call.attributes["shift"], axis=call.attributes["axis"])
