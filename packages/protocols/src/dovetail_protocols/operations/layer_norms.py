"""Normalizations within each example: layer, root mean square, and group normalization."""

from __future__ import annotations

from ..errors import ShapeError
from ..metas import TensorMeta
from ..operation import composite
from .arithmetic import sqrt
from .manipulation import reshape
from .normalization import (
    affine,
    check_cotangent,
    check_parameters,
    converted,
    standardized,
    statistics_dtype,
    statistics_gradient,
)
from .shape_rules import normalize_axes, normalize_axis
from .statistics import mean

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .annotations import Floating, Statistic
    from .normalization import Axes


def _infer_layer(
    x: TensorMeta, scale: TensorMeta | None, offset: TensorMeta | None, *, axis: Axes, epsilon: float
) -> TensorMeta:
    axes = normalize_axes("layer_normalization", axis, x.ndim)
    check_parameters("layer_normalization", x, axes, scale=scale, offset=offset)
    return x


@composite(version=1, infer=_infer_layer)
def layer_normalization(
    x: Floating, scale: Statistic | None, offset: Statistic | None, /, *, axis: Axes = -1, epsilon: float = 1e-3
) -> Floating:
    """(x - mean) / √(variance + epsilon) · scale + offset, with mean and variance over `axis`.

    x: any shape; scale, offset: the sizes of the axes that `axis` names, in the order of x.

    Source: Ba, Kiros and Hinton 2016, Layer normalization, equation 3.
    """
    axes = normalize_axes("layer_normalization", axis, x.ndim)
    standard, _ = standardized(converted(x, statistics_dtype(x.dtype)), axes, epsilon)
    return converted(affine(standard, scale, offset, axes), x.dtype)


def _infer_layer_gradient(
    cotangent: TensorMeta, x: TensorMeta, scale: TensorMeta | None, *, axis: Axes, epsilon: float
) -> tuple[TensorMeta, ...]:
    name = "layer_normalization_gradient"
    shape = check_parameters(name, x, normalize_axes(name, axis, x.ndim), scale=scale)
    check_cotangent(name, cotangent, x)
    parameter = TensorMeta(shape, statistics_dtype(x.dtype), x.device)
    return x, parameter, parameter


@composite(version=1, infer=_infer_layer_gradient)
def layer_normalization_gradient(
    cotangent: Floating, x: Floating, scale: Statistic | None, /, *, axis: Axes = -1, epsilon: float = 1e-3
) -> tuple[Floating, Floating, Floating]:
    """The cotangents of layer_normalization's x, scale and offset. With s = cotangent · scale:

        inverse · (s - mean(s) - x̂ · mean(s · x̂)), Σ cotangent · x̂, Σ cotangent

    with x̂ = (x - mean) · inverse, inverse = 1 / √(variance + epsilon), means over `axis` and sums over the others.
    """
    axes = normalize_axes("layer_normalization_gradient", axis, x.ndim)
    return statistics_gradient(cotangent, x, scale, axes, axes, epsilon)


def _infer_rms(x: TensorMeta, scale: TensorMeta | None, *, axis: Axes, epsilon: float) -> TensorMeta:
    check_parameters("rms_normalization", x, normalize_axes("rms_normalization", axis, x.ndim), scale=scale)
    return x


@composite(version=1, infer=_infer_rms)
def rms_normalization(x: Floating, scale: Statistic | None, /, *, axis: Axes = -1, epsilon: float = 1e-6) -> Floating:
    """x / √(mean(x²) + epsilon) · scale, with the mean over `axis`.

    x: any shape; scale: the sizes of the axes that `axis` names, in the order of x.

    Source: Zhang and Sennrich 2019, Root mean square layer normalization, equation 4.
    """
    axes = normalize_axes("rms_normalization", axis, x.ndim)
    wide = converted(x, statistics_dtype(x.dtype))
    size = sqrt(mean(wide * wide, axis=axes, keepdims=True) + epsilon)
    return converted(affine(wide / size, scale, None, axes), x.dtype)


def _infer_group(
    x: TensorMeta, scale: TensorMeta | None, offset: TensorMeta | None, *, groups: int, axis: int, epsilon: float
) -> TensorMeta:
    name = "group_normalization"
    channel = normalize_axis(name, axis, x.ndim)
    if channel == 0 or not isinstance(groups, int) or groups < 1 or x.shape[channel] % groups:
        raise ShapeError(
            f"{name}: groups don't divide the channels",
            where=f"{name}, groups, axis {axis}",
            expected=f"a positive divisor of {x.shape[channel]}, and an axis that isn't the batch's",
            got=f"groups={groups!r}, axis={axis}",
        )
    check_parameters(name, x, (channel,), scale=scale, offset=offset)
    return x


@composite(version=1, infer=_infer_group)
def group_normalization(
    x: Floating,
    scale: Statistic | None,
    offset: Statistic | None,
    /,
    *,
    groups: int,
    axis: int = -1,
    epsilon: float = 1e-3,
) -> Floating:
    """(x - mean) / √(variance + epsilon) · scale + offset, with mean and variance over each group of channels of each
    example.

    x: (batch, …), its channels at `axis`, in `groups` equal parts; scale, offset: (channels,). A group for each channel
    is instance normalization; one for all is layer normalization over everything but the batch.

    Source: Wu and He 2018, Group normalization, equations 1 to 7.
    """
    channel = normalize_axis("group_normalization", axis, x.ndim)
    wide = converted(x, statistics_dtype(x.dtype))
    channels = x.shape[channel]
    split = reshape(wide, shape=(*x.shape[:channel], groups, channels // groups, *x.shape[channel + 1 :]))
    axes = tuple(place for place in range(1, split.ndim) if place != channel)
    standard, _ = standardized(split, axes, epsilon)
    return converted(affine(reshape(standard, shape=x.shape), scale, offset, (channel,)), x.dtype)
