"""What is to be computed: pools, their gradients and tangents, on views. Images are (batch, *spatial, channels)."""

from __future__ import annotations

from dovetail_protocols.operations.windows import WindowGrid
from dovetail_protocols.records import record

from ..kernel import View


@record
class MaxPool:
    """`ops.max_pool`. `grid` says where the windows lie over x; result: (batch, *output, channels)."""

    x: View
    grid: WindowGrid
    result: View


@record
class MaxPoolGradient:
    """`ops.max_pool_gradient`. cotangent: (batch, *output, channels); result: as x."""

    cotangent: View
    x: View
    grid: WindowGrid
    result: View


@record
class MaxPoolSelect:
    """`ops.max_pool_select`. values: as x; result: (batch, *output, channels)."""

    values: View
    x: View
    grid: WindowGrid
    result: View


@record
class AveragePool:
    """`ops.average_pool`. Padding is counted where `count_padding`."""

    x: View
    grid: WindowGrid
    result: View
    count_padding: bool = False


@record
class AveragePoolGradient:
    """`ops.average_pool_gradient`. cotangent: (batch, *output, channels); result: (batch, *spatial, channels)."""

    cotangent: View
    grid: WindowGrid
    result: View
    count_padding: bool = False
