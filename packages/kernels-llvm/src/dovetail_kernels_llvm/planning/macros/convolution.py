"""Convolutions and their gradients."""

from __future__ import annotations

from collections.abc import Sequence

from dovetail_protocols.operations.windows import WindowGrid, window_grid

from ...codegen.isa import ISA
from ...kernels.cluster import Cluster
from ...kernels.kernel import Launch, View
from ..ops import Op
from .macro import Allocate, Macro, Product, floating_only, given


def _grid(op: Op, sizes: tuple[int, ...], window: tuple[int, ...]) -> WindowGrid:
    names = ("strides", "padding", "dilation")
    return window_grid(op.name, sizes, window=window, **{name: op.attributes[name] for name in names})


def _conv(isa: ISA, op: Op, inputs: Sequence[View], epilogue: Cluster, allocate: Allocate) -> list[Launch]:
    from ...kernels.convolution import Convolution, convolution_launches

    x, filters = inputs
    grid = _grid(op, x.shape[1:-1], filters.shape[:-2])
    return convolution_launches(isa, Convolution(x, filters, grid, epilogue, op.attributes["groups"]), allocate)


def _input_gradient(isa: ISA, op: Op, inputs: Sequence[View], epilogue: Cluster, allocate: Allocate) -> list[Launch]:
    from ...kernels.convolution import InputGradient, convolution_input_gradient_launches

    cotangent, filters = inputs
    sizes = op.outputs[0].shape[1:-1]
    grid = _grid(op, sizes, filters.shape[:-2])
    description = InputGradient(cotangent, filters, grid, sizes, epilogue, op.attributes["groups"])
    return convolution_input_gradient_launches(isa, description, allocate)


def _filter_gradient(
    isa: ISA, op: Op, inputs: Sequence[View | None], outputs: Sequence[View], allocate: Allocate
) -> list[Launch]:
    from ...kernels.convolution import FilterGradient, convolution_filter_gradient_launches

    x, cotangent = given(inputs[0]), given(inputs[1])
    grid = _grid(op, x.shape[1:-1], op.attributes["window"])
    description = FilterGradient(x, cotangent, grid, outputs[0], op.attributes["groups"])
    return convolution_filter_gradient_launches(isa, description, allocate)


CONVOLUTIONS = {"conv": Product(_conv, floating_only), "conv_input_gradient": Product(_input_gradient, floating_only)}
CONVOLUTION_GRADIENTS = {"conv_filter_gradient": Macro(_filter_gradient, floating_only)}
