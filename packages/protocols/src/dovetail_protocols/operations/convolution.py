"""Convolutions over any number of spatial axes, channels last, and the two gradients that they are closed under."""

from __future__ import annotations

from ..errors import ShapeError
from ..metas import TensorMeta
from ..operation import composite, primitive
from .windows import WindowGrid, extents, padding_pairs, per_axis, window_grid

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .annotations import Floating
    from .windows import Padding


@primitive(version=1)
def conv(
    x: Floating,
    filters: Floating,
    /,
    *,
    strides: int | tuple[int, ...] = 1,
    padding: Padding = "valid",
    dilation: int | tuple[int, ...] = 1,
    groups: int = 1,
) -> Floating:
    """The cross-correlation of x with filters, which deep learning calls convolution.

    x: (batch, *spatial, in_channels), filters: (*window, in_channels/groups, out_channels).
    Result: (batch, *output, out_channels) with

        result[b, p, o] = Σ over offsets w and channels c of xpad[b, p·strides + w·dilation, c] · filters[w, c, o]

    where xpad has zeros around, as `padding` says: "valid" (none), "same" (ceil(size / stride) outputs), "causal" (all
    before, for one spatial axis), or pairs (before, after). With groups, the k-th of `groups` equal parts of the output
    channels sees only the k-th part of the input channels; groups = in_channels is a depthwise convolution.

    Raises: ShapeError for ranks or channels that don't fit, or a window larger than the padded input;
    AttributeValueError for strides, dilation, padding or groups that don't.
    Source: ONNX Conv-22, with TensorFlow's layout and "same".
    """
    _check_ranks("conv", "x", x, filters)
    _check_channels("conv", "x", x.shape[-1], filters, groups)
    grid = window_grid(
        "conv", x.shape[1:-1], window=filters.shape[:-2], strides=strides, padding=padding, dilation=dilation
    )
    return TensorMeta((x.shape[0], *grid.output, filters.shape[-1]), x.dtype, x.device)


@primitive(version=1)
def conv_input_gradient(
    cotangent: Floating,
    filters: Floating,
    /,
    *,
    spatial_shape: tuple[int, ...],
    strides: int | tuple[int, ...] = 1,
    padding: Padding = "valid",
    dilation: int | tuple[int, ...] = 1,
    groups: int = 1,
) -> Floating:
    """The cotangent of conv's x: the transpose of the linear map x ↦ conv(x, filters).

    cotangent: (batch, *output, out_channels), filters: (*window, in_channels/groups, out_channels), both as in `conv`
    of an x with the spatial axes `spatial_shape`. Result: (batch, *spatial_shape, in_channels).

    Raises: ShapeError where the cotangent isn't shaped like that convolution's result; else as `conv`.
    Source: Dumoulin and Visin 2016, A guide to convolution arithmetic, section 4.
    """
    _check_ranks("conv_input_gradient", "cotangent", cotangent, filters)
    _check_groups("conv_input_gradient", filters, groups)
    _check_output("conv_input_gradient", cotangent, filters.shape[-1])
    grid = window_grid(
        "conv_input_gradient",
        spatial_shape,
        window=filters.shape[:-2],
        strides=strides,
        padding=padding,
        dilation=dilation,
    )
    _check_grid("conv_input_gradient", cotangent, grid)
    channels = filters.shape[-2] * groups
    return TensorMeta((cotangent.shape[0], *spatial_shape, channels), cotangent.dtype, cotangent.device)


@primitive(version=1)
def conv_filter_gradient(
    x: Floating,
    cotangent: Floating,
    /,
    *,
    window: tuple[int, ...],
    strides: int | tuple[int, ...] = 1,
    padding: Padding = "valid",
    dilation: int | tuple[int, ...] = 1,
    groups: int = 1,
) -> Floating:
    """The cotangent of conv's filters: the transpose of the linear map filters ↦ conv(x, filters).

    x: (batch, *spatial, in_channels), cotangent: (batch, *output, out_channels), as in `conv` with filters whose window
    is `window`. Result: (*window, in_channels/groups, out_channels).

    Raises: ShapeError where the cotangent isn't shaped like that convolution's result; else as `conv`.
    Source: Dumoulin and Visin 2016, A guide to convolution arithmetic, section 4.
    """
    if min(x.ndim, cotangent.ndim) < 3 or not isinstance(groups, int) or groups < 1 or x.shape[-1] % groups:
        raise ShapeError(
            "conv_filter_gradient: the ranks, or the groups and the channels of x, don't fit",
            where="conv_filter_gradient, x, cotangent, groups",
            expected="(batch, *spatial, channels) twice, and groups that divide the channels of x",
            got=f"x {x.shape}, cotangent {cotangent.shape}, groups={groups!r}",
        )
    filters = TensorMeta((*window, x.shape[-1] // groups, cotangent.shape[-1]), x.dtype, x.device)
    _check_ranks("conv_filter_gradient", "x", x, filters)
    _check_ranks("conv_filter_gradient", "cotangent", cotangent, filters)
    _check_groups("conv_filter_gradient", filters, groups)
    grid = window_grid(
        "conv_filter_gradient", x.shape[1:-1], window=window, strides=strides, padding=padding, dilation=dilation
    )
    _check_grid("conv_filter_gradient", cotangent, grid)
    if x.shape[0] != cotangent.shape[0]:
        raise ShapeError(
            "conv_filter_gradient: the batches differ",
            where="conv_filter_gradient, axis 0",
            expected=f"{x.shape[0]}, from x {x.shape}",
            got=f"{cotangent.shape[0]}, from cotangent {cotangent.shape}",
        )
    return filters


def transposed_sizes(
    x: TensorMeta,
    filters: TensorMeta,
    strides: int | tuple[int, ...],
    padding: Padding,
    dilation: int | tuple[int, ...],
    output_padding: int | tuple[int, ...] | None,
) -> tuple[int, ...]:
    """The spatial sizes of `conv_transpose`'s result; see there."""
    rank = len(filters.shape) - 2
    window = filters.shape[:-2]
    steps = per_axis("conv_transpose", "strides", strides, rank)
    spans = extents(window, per_axis("conv_transpose", "dilation", dilation, rank))
    if output_padding is None and padding == "same":
        return tuple(size * step for size, step in zip(x.shape[1:-1], steps, strict=True))
    if padding == "same":
        removed = tuple(2 * (span // 2) for span in spans)
    else:
        pairs = padding_pairs(
            "conv_transpose",
            padding,
            x.shape[1:-1],
            window,
            steps,
            per_axis("conv_transpose", "dilation", dilation, rank),
        )
        removed = tuple(low + high for low, high in pairs)
    if output_padding is None:
        extra = tuple(max(step - span, 0) for step, span in zip(steps, spans, strict=True))
    else:
        extra = per_axis("conv_transpose", "output_padding", output_padding, rank, least=0)
    return tuple(
        (size - 1) * step + span - taken + more
        for size, step, span, taken, more in zip(x.shape[1:-1], steps, spans, removed, extra, strict=True)
    )


def _infer_transpose(
    x: TensorMeta,
    filters: TensorMeta,
    *,
    strides: int | tuple[int, ...],
    padding: Padding,
    dilation: int | tuple[int, ...],
    groups: int,
    output_padding: int | tuple[int, ...] | None,
) -> TensorMeta:
    _check_ranks("conv_transpose", "x", x, filters)
    _check_groups("conv_transpose", filters, groups)
    _check_output("conv_transpose", x, filters.shape[-1])
    sizes = transposed_sizes(x, filters, strides, padding, dilation, output_padding)
    grid = window_grid(
        "conv_transpose", sizes, window=filters.shape[:-2], strides=strides, padding=padding, dilation=dilation
    )
    _check_grid("conv_transpose", x, grid)
    return TensorMeta((x.shape[0], *sizes, filters.shape[-2] * groups), x.dtype, x.device)


@composite(version=1, infer=_infer_transpose)
def conv_transpose(
    x: Floating,
    filters: Floating,
    /,
    *,
    strides: int | tuple[int, ...] = 1,
    padding: Padding = "valid",
    dilation: int | tuple[int, ...] = 1,
    groups: int = 1,
    output_padding: int | tuple[int, ...] | None = None,
) -> Floating:
    """The transposed convolution: each element of x spreads over a window of the result.

    x: (batch, *spatial, in_channels), filters: (*window, out_channels/groups, in_channels): the filters of the
    convolution that goes the other way, as in Keras. Result: (batch, *sizes, out_channels). Without `output_padding`,
    sizes are size · stride for "same" and (size - 1) · stride + max(extent, stride) - padding for others; with it,
    (size - 1) · stride + extent - padding + output_padding, where "same" takes away 2 · (extent // 2).

    Raises: ShapeError for ranks or channels that don't fit, or an output_padding for which no convolution gives x back.
    Source: Dumoulin and Visin 2016, section 4; sizes as in Keras 3, Conv2DTranspose.
    """
    return conv_input_gradient(
        x,
        filters,
        spatial_shape=transposed_sizes(x.meta, filters.meta, strides, padding, dilation, output_padding),
        strides=strides,
        padding=padding,
        dilation=dilation,
        groups=groups,
    )


def _check_ranks(operation: str, name: str, image: TensorMeta, filters: TensorMeta) -> None:
    if image.ndim < 3 or image.ndim != filters.ndim:
        raise ShapeError(
            f"{operation}: the ranks of {name} and the filters don't fit",
            where=f"{operation}, {name}",
            expected=f"{name}: (batch, *spatial, channels) and filters: (*window, in_channels/groups, out_channels), "
            "with at least one spatial axis and equal ranks",
            got=f"{name} {image.shape} and filters {filters.shape}",
            fix="a single image needs a batch axis: x[None]",
        )


def _check_groups(operation: str, filters: TensorMeta, groups: int) -> None:
    if not isinstance(groups, int) or groups < 1 or filters.shape[-1] % groups:
        raise ShapeError(
            f"{operation}: groups don't divide the output channels",
            where=f"{operation}, groups, filters axis -1",
            expected=f"a positive divisor of {filters.shape[-1]}",
            got=repr(groups),
        )


def _check_channels(operation: str, name: str, channels: int, filters: TensorMeta, groups: int) -> None:
    _check_groups(operation, filters, groups)
    if channels != filters.shape[-2] * groups:
        raise ShapeError(
            f"{operation}: the channels of {name} and the filters differ",
            where=f"{operation}, {name} axis -1 and filters axis -2",
            expected=f"{filters.shape[-2] * groups} = {filters.shape[-2]} channels in each of {groups} groups, "
            f"from filters {filters.shape}",
            got=channels,
            fix="channels are the last axis; check the layer before",
        )


def _check_output(operation: str, cotangent: TensorMeta, channels: int) -> None:
    if cotangent.shape[-1] != channels:
        raise ShapeError(
            f"{operation}: the channels of the first operand and the filters differ",
            where=f"{operation}, axis -1 of both",
            expected=f"{channels}, the last axis of the filters",
            got=cotangent.shape[-1],
        )


def _check_grid(operation: str, cotangent: TensorMeta, grid: WindowGrid) -> None:
    if cotangent.shape[1:-1] != grid.output:
        raise ShapeError(
            f"{operation}: the spatial axes don't fit the windows",
            where=f"{operation}, axes 1 to {cotangent.ndim - 2}",
            expected=f"{grid.output}",
            got=f"{cotangent.shape[1:-1]}",
        )
