"""Convolutions, and their two gradients as JAX transposes them.

In float16 and bfloat16 the operands stay as they are: XLA sums in float32 and rounds once. It has none in float8.
"""

from __future__ import annotations

from typing import Any

import jax
from jax import lax

from dovetail_protocols import operations as ops
from dovetail_protocols.kernels import CallMeta
from dovetail_protocols.operations.windows import window_grid

from ..placement import shaped
from .linear_algebra import precision
from .registry import Lowering, lowering, wide, widened


def _widened_if_float8(function: Lowering) -> Lowering:
    def lowered(call: CallMeta, *operands: Any) -> Any:
        return (widened(function) if operands[0].dtype.itemsize == 1 else function)(call, *operands)

    return lowered


@lowering(ops.conv)
def conv(call: CallMeta, x: Any, filters: Any) -> Any:
    if x.dtype.itemsize > 1:
        return _convolved(call, x, filters)
    operands = wide(x), wide(filters)
    if call.attributes["groups"] > 1:
        # On GPUs XLA would see the float8 behind and ask cuDNN to convolve that, which it can't in small groups
        # (https://github.com/openxla/xla/pull/40021). Without groups it can, and faster than float32.
        operands = lax.optimization_barrier(operands)  # type: ignore[no-untyped-call] # JAX doesn't annotate it
    return _convolved(call, *operands).astype(x.dtype)


@lowering(ops.conv_input_gradient)
@_widened_if_float8
def conv_input_gradient(call: CallMeta, cotangent: Any, filters: Any) -> Any:
    x = shaped(call.results[0].shape, cotangent.dtype)
    return jax.linear_transpose(lambda x: _convolved(call, x, filters), x)(cotangent)[0]


@lowering(ops.conv_filter_gradient)
@_widened_if_float8
def conv_filter_gradient(call: CallMeta, x: Any, cotangent: Any) -> Any:
    filters = shaped(call.results[0].shape, cotangent.dtype)
    return jax.linear_transpose(lambda filters: _convolved(call, x, filters), filters)(cotangent)[0]


def _convolved(call: CallMeta, x: Any, filters: Any) -> Any:
    given = call.attributes
    grid = window_grid(
        call.operation.short_name,
        x.shape[1:-1],
        window=filters.shape[:-2],
        strides=given["strides"],
        padding=given["padding"],
        dilation=given["dilation"],
    )
    rank = x.ndim - 2
    spatial = tuple(range(1, rank + 1))
    image = (0, rank + 1, *spatial)
    return lax.conv_general_dilated(
        x,
        filters,
        window_strides=grid.strides,
        padding=grid.padding,
        rhs_dilation=grid.dilation,
        dimension_numbers=lax.ConvDimensionNumbers(image, (rank + 1, rank, *range(rank)), image),
        feature_group_count=given["groups"],
        precision=precision(),
    )
