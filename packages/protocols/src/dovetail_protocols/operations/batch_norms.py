"""Batch normalization: each channel to zero mean and unit variance over the batch, in training and for inference."""

from __future__ import annotations

from ..metas import TensorMeta
from ..operation import composite
from .arithmetic import sqrt
from .manipulation import reshape
from .normalization import (
    affine,
    aligned,
    check_cotangent,
    check_parameters,
    converted,
    others,
    statistics_dtype,
    statistics_gradient,
)
from .shape_rules import normalize_axes
from .statistics import mean, reduced_count

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .annotations import Floating, Statistic
    from .normalization import Axes


def _infer_batch_training(
    x: TensorMeta, scale: TensorMeta | None, offset: TensorMeta | None, *, axis: Axes, epsilon: float
) -> tuple[TensorMeta, ...]:
    name = "batch_normalization_training"
    shape = check_parameters(name, x, normalize_axes(name, axis, x.ndim), scale=scale, offset=offset)
    statistic = TensorMeta(shape, statistics_dtype(x.dtype), x.device)
    return x, statistic, statistic


@composite(version=1, infer=_infer_batch_training)
def batch_normalization_training(
    x: Floating, scale: Statistic | None, offset: Statistic | None, /, *, axis: Axes = -1, epsilon: float = 1e-3
) -> tuple[Floating, Floating, Floating]:
    """(x - mean) / √(variance + epsilon) · scale + offset, the mean, and the variance.

    x: any shape; `axis` names the axes that keep their own statistics (the channels); mean and variance are taken over
    all others. scale, offset, mean, variance: the sizes of those axes. The variance is that of the batch (divided by
    the count, not by the count less one).

    Source: Ioffe and Szegedy 2015, Batch normalization, algorithm 1.
    """
    kept = normalize_axes("batch_normalization_training", axis, x.ndim)
    reduced_axes = others(kept, x.ndim)
    wide = converted(x, statistics_dtype(x.dtype))
    average = mean(wide, axis=reduced_axes, keepdims=True)
    centered = wide - average
    variance = mean(centered * centered, axis=reduced_axes, keepdims=True)
    result = affine(centered / sqrt(variance + epsilon), scale, offset, kept)
    shape = tuple(size for place, size in enumerate(x.shape) if place in kept)
    return converted(result, x.dtype), reshape(average, shape=shape), reshape(variance, shape=shape)


def _infer_batch_gradient(
    cotangent: TensorMeta,
    mean_cotangent: TensorMeta,
    variance_cotangent: TensorMeta,
    x: TensorMeta,
    scale: TensorMeta | None,
    *,
    axis: Axes,
    epsilon: float,
) -> tuple[TensorMeta, ...]:
    name = "batch_normalization_gradient"
    parameters = {"mean_cotangent": mean_cotangent, "variance_cotangent": variance_cotangent, "scale": scale}
    shape = check_parameters(name, x, normalize_axes(name, axis, x.ndim), **parameters)
    check_cotangent(name, cotangent, x)
    parameter = TensorMeta(shape, statistics_dtype(x.dtype), x.device)
    return x, parameter, parameter


@composite(version=1, infer=_infer_batch_gradient)
def batch_normalization_gradient(
    cotangent: Floating,
    mean_cotangent: Statistic,
    variance_cotangent: Statistic,
    x: Floating,
    scale: Statistic | None,
    /,
    *,
    axis: Axes = -1,
    epsilon: float = 1e-3,
) -> tuple[Floating, Floating, Floating]:
    """The cotangents of batch_normalization_training's x, scale and offset, from those of its three results:

        inverse · scale · (cotangent - mean(cotangent) - x̂ · mean(cotangent · x̂))
            + (mean_cotangent + 2 · variance_cotangent · (x - mean)) / count,
        Σ cotangent · x̂,
        Σ cotangent

    with x̂ = (x - mean) · inverse, inverse = 1 / √(variance + epsilon), and means and sums over the `count` elements
    along all axes but `axis`.

    Source: Ioffe and Szegedy 2015, section 3, with the terms collected.
    """
    kept = normalize_axes("batch_normalization_gradient", axis, x.ndim)
    reduced_axes = others(kept, x.ndim)
    dx, scaling, shifting = statistics_gradient(cotangent, x, scale, reduced_axes, kept, epsilon)
    dtype = statistics_dtype(x.dtype)
    wide = converted(x, dtype)
    centered = wide - mean(wide, axis=reduced_axes, keepdims=True)
    of_statistics = aligned(mean_cotangent, x, kept) + 2.0 * aligned(variance_cotangent, x, kept) * centered
    return dx + converted(of_statistics / reduced_count(wide, reduced_axes), x.dtype), scaling, shifting


def _infer_batch_inference(
    x: TensorMeta,
    mean: TensorMeta,
    variance: TensorMeta,
    scale: TensorMeta | None,
    offset: TensorMeta | None,
    *,
    axis: Axes,
    epsilon: float,
) -> TensorMeta:
    name = "batch_normalization"
    axes = normalize_axes(name, axis, x.ndim)
    check_parameters(name, x, axes, mean=mean, variance=variance, scale=scale, offset=offset)
    return x


@composite(version=1, infer=_infer_batch_inference)
def batch_normalization(
    x: Floating,
    mean: Statistic,
    variance: Statistic,
    scale: Statistic | None,
    offset: Statistic | None,
    /,
    *,
    axis: Axes = -1,
    epsilon: float = 1e-3,
) -> Floating:
    """(x - mean) / √(variance + epsilon) · scale + offset, with statistics that are given: the form for inference.

    x: any shape; the others: the sizes of the axes that `axis` names (the channels).

    Source: Ioffe and Szegedy 2015, Batch normalization, algorithm 2.
    """
    kept = normalize_axes("batch_normalization", axis, x.ndim)
    dtype = statistics_dtype(x.dtype)
    factor = 1.0 / sqrt(converted(variance, dtype) + epsilon)
    factor = factor if scale is None else factor * converted(scale, dtype)
    centered = converted(x, dtype) - aligned(mean, x, kept)
    return converted(affine(centered, factor, offset, kept), x.dtype)
