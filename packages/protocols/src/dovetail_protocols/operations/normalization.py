"""What normalizations share: statistics over some axes, scaling and shifting along some, and the gradient.

Statistics are computed in float32 where x is narrower, and in the dtype of x otherwise.
"""

from __future__ import annotations

from .. import dtypes as dt
from ..errors import ShapeError
from ..metas import TensorMeta
from .arithmetic import sqrt
from .manipulation import reshape
from .reductions import sum
from .statistics import mean
from .type_conversion import cast

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .annotations import Floating

    Axes = int | tuple[int, ...]


def statistics_dtype(dtype: dt.DType) -> dt.DType:
    """The dtype in which means and variances of arrays of a dtype are computed."""
    return dt.float32 if dtype.size_bytes < dt.float32.size_bytes else dtype


def converted(array: Floating, dtype: dt.DType) -> Floating:
    return array if array.dtype is dtype else cast(array, dtype=dtype)


def aligned(parameter: Floating, like: Floating, axes: tuple[int, ...]) -> Floating:
    """A parameter over some axes, shaped so that it broadcasts against an array that has all."""
    shape = tuple(size if place in axes else 1 for place, size in enumerate(like.shape))
    return reshape(converted(parameter, statistics_dtype(like.dtype)), shape=shape)


def standardized(wide: Floating, axes: tuple[int, ...], epsilon: float) -> tuple[Floating, Floating]:
    """(x - mean) / √(variance + epsilon) over axes, and 1 / √(variance + epsilon)."""
    centered = wide - mean(wide, axis=axes, keepdims=True)
    inverse = 1.0 / sqrt(mean(centered * centered, axis=axes, keepdims=True) + epsilon)
    return centered * inverse, inverse


def affine(x: Floating, scale: Floating | None, offset: Floating | None, axes: tuple[int, ...]) -> Floating:
    if scale is not None:
        x = x * aligned(scale, x, axes)
    return x if offset is None else x + aligned(offset, x, axes)


def check_parameters(
    operation: str, x: TensorMeta, axes: tuple[int, ...], **parameters: TensorMeta | None
) -> tuple[int, ...]:
    """The shape of parameters over some axes of x, which are those given."""
    shape = tuple(size for place, size in enumerate(x.shape) if place in axes)
    for name, parameter in parameters.items():
        if parameter is not None and parameter.shape != shape:
            raise ShapeError(
                f"{operation}: {name} doesn't fit x",
                where=f"{operation}, {name}",
                expected=f"{shape}: the sizes of axes {tuple(sorted(axes))} of x {x.shape}",
                got=f"{parameter.shape}",
            )
    return shape


def others(axes: tuple[int, ...], ndim: int) -> tuple[int, ...]:
    return tuple(place for place in range(ndim) if place not in axes)


def check_cotangent(operation: str, cotangent: TensorMeta, x: TensorMeta) -> None:
    if cotangent.shape != x.shape:
        raise ShapeError(
            f"{operation}: the cotangent isn't shaped like x",
            where=f"{operation}, cotangent",
            expected=f"{x.shape}",
            got=f"{cotangent.shape}",
        )


def statistics_gradient(
    cotangent: Floating,
    x: Floating,
    scale: Floating | None,
    mean_axes: tuple[int, ...],
    parameter_axes: tuple[int, ...],
    epsilon: float,
) -> tuple[Floating, Floating, Floating]:
    """The cotangents of x, scale and offset, where means were taken over some axes and parameters lie along some."""
    dtype = statistics_dtype(x.dtype)
    standard, inverse = standardized(converted(x, dtype), mean_axes, epsilon)
    wide = converted(cotangent, dtype)
    inner = wide if scale is None else wide * aligned(scale, x, parameter_axes)
    shared = mean(inner, axis=mean_axes, keepdims=True)
    along = mean(inner * standard, axis=mean_axes, keepdims=True)
    result = inverse * (inner - shared - standard * along)
    summed = others(parameter_axes, x.ndim)
    shape = tuple(size for place, size in enumerate(x.shape) if place in parameter_axes)
    scaling = reshape(sum(wide * standard, axis=summed), shape=shape)
    shifting = reshape(sum(wide, axis=summed), shape=shape)
    return converted(result, x.dtype), scaling, shifting
