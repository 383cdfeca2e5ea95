"""Pools and their gradients."""

from __future__ import annotations

from collections.abc import Sequence

from dovetail_protocols.operations.windows import WindowGrid, window_grid

from ...codegen.isa import ISA
from ...kernels.kernel import Launch, View
from ..ops import Op
from .macro import Allocate, Macro, floating_only, given


def _grid(op: Op, sizes: tuple[int, ...]) -> WindowGrid:
    window, strides = op.attributes["window"], op.attributes["strides"]
    windows = window if isinstance(window, tuple) else (window,) * len(sizes)
    padding = op.attributes["padding"]
    return window_grid(op.name, sizes, window=windows, strides=strides or windows, padding=padding)


def _max_pool(
    isa: ISA, op: Op, inputs: Sequence[View | None], outputs: Sequence[View], allocate: Allocate
) -> list[Launch]:
    from ...kernels.pooling import MaxPool, max_pool_launches

    x = given(inputs[0])
    return max_pool_launches(isa, MaxPool(x, _grid(op, x.shape[1:-1]), outputs[0]))


def _max_pool_gradient(
    isa: ISA, op: Op, inputs: Sequence[View | None], outputs: Sequence[View], allocate: Allocate
) -> list[Launch]:
    from ...kernels.pooling import MaxPoolGradient, max_pool_gradient_launches

    cotangent, x = given(inputs[0]), given(inputs[1])
    return max_pool_gradient_launches(isa, MaxPoolGradient(cotangent, x, _grid(op, x.shape[1:-1]), outputs[0]))


def _max_pool_select(
    isa: ISA, op: Op, inputs: Sequence[View | None], outputs: Sequence[View], allocate: Allocate
) -> list[Launch]:
    from ...kernels.pooling import MaxPoolSelect, max_pool_select_launches

    values, x = given(inputs[0]), given(inputs[1])
    return max_pool_select_launches(isa, MaxPoolSelect(values, x, _grid(op, x.shape[1:-1]), outputs[0]))


def _average_pool(
    isa: ISA, op: Op, inputs: Sequence[View | None], outputs: Sequence[View], allocate: Allocate
) -> list[Launch]:
    from ...kernels.pooling import AveragePool, average_pool_launches

    x = given(inputs[0])
    grid = _grid(op, x.shape[1:-1])
    return average_pool_launches(isa, AveragePool(x, grid, outputs[0], op.attributes["count_padding"]))


def _average_pool_gradient(
    isa: ISA, op: Op, inputs: Sequence[View | None], outputs: Sequence[View], allocate: Allocate
) -> list[Launch]:
    from ...kernels.pooling import AveragePoolGradient, average_pool_gradient_launches

    grid = _grid(op, outputs[0].shape[1:-1])
    description = AveragePoolGradient(given(inputs[0]), grid, outputs[0], op.attributes["count_padding"])
    return average_pool_gradient_launches(isa, description)


POOLS = {
    "max_pool": Macro(_max_pool, floating_only),
    "max_pool_gradient": Macro(_max_pool_gradient, floating_only),
    "max_pool_select": Macro(_max_pool_select, floating_only),
    "average_pool": Macro(_average_pool, floating_only),
    "average_pool_gradient": Macro(_average_pool_gradient, floating_only),
}
