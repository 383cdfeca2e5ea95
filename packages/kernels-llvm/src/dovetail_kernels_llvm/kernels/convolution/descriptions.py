"""What is to be computed: convolutions and their gradients, on views."""

from __future__ import annotations

from dovetail_protocols.operations.windows import WindowGrid
from dovetail_protocols.records import record

from ..cluster import Cluster
from ..kernel import View


@record
class Convolution:
    """`ops.conv`. x: (batch, *spatial, in_channels); filters: (*window, in_channels/groups, out_channels); `grid` says
    where the windows lie. `epilogue`: rows (batch, *output), columns out_channels; its PRODUCT is the convolution.

    Taps in the padding may be left out, so that filters which aren't finite needn't reach results through them.
    """

    x: View
    filters: View
    grid: WindowGrid
    epilogue: Cluster
    groups: int = 1


@record
class InputGradient:
    """`ops.conv_input_gradient`. cotangent: (batch, *output, out_channels); filters and grid as the convolution's,
    whose input has the spatial axes `sizes`. `epilogue`: rows (batch, *sizes), columns in_channels."""

    cotangent: View
    filters: View
    grid: WindowGrid
    sizes: tuple[int, ...]
    epilogue: Cluster
    groups: int = 1


@record
class FilterGradient:
    """`ops.conv_filter_gradient`. x: (batch, *spatial, in_channels); cotangent: (batch, *output, out_channels);
    result: (*window, in_channels/groups, out_channels)."""

    x: View
    cotangent: View
    grid: WindowGrid
    result: View
    groups: int = 1
