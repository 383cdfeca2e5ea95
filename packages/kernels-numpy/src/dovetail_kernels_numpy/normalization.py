"""Normalizations and their gradients, with the passes over x that they need and few temporaries."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

from dovetail_protocols import operations as ops
from dovetail_protocols.kernels import CallMeta
from dovetail_protocols.metas import TensorMeta
from dovetail_protocols.operations.normalization import statistics_dtype
from dovetail_protocols.operations.shape_rules import normalize_axes

from .declaration import kernel
from .dtypes import numpy_dtype


class Layout:
    """How x is seen as a stack of rows or columns with statistics of their own.

    `axes`: those that means are taken over. `lined`: parameters lie along these axes.
    """

    def __init__(self, x: TensorMeta, axes: tuple[int, ...], lined: tuple[int, ...]) -> None:
        self.axes = axes
        self.count = prod(x.shape[place] for place in axes)
        self.lined = tuple(size if place in lined else 1 for place, size in enumerate(x.shape))
        self.others = tuple(place for place in range(x.ndim) if place not in lined)
        self.parameter_shape = tuple(x.shape[place] for place in sorted(lined))
        leading, trailing = tuple(range(len(axes))), tuple(range(x.ndim - len(axes), x.ndim))
        self.is_leading = tuple(sorted(axes)) == leading and 0 < len(axes) < x.ndim
        self.is_trailing = tuple(sorted(axes)) == trailing and len(axes) > 0
        self.kept_shape = tuple(1 if place in axes else size for place, size in enumerate(x.shape))

    def mean(self, x: Any) -> Any:
        """The mean over `axes`, which stay with size 1."""
        if self.is_leading and self.count:
            return _column_sums(x.reshape(self.count, -1)).reshape(self.kept_shape) / x.dtype.type(self.count)
        return np.add.reduce(x, axis=self.axes, keepdims=True) / x.dtype.type(self.count)

    def mean_of_product(self, first: Any, second: Any) -> Any:
        if self.is_trailing and self.count:
            rows = np.einsum("ij,ij->i", first.reshape(-1, self.count), second.reshape(-1, self.count))
            return rows.reshape(self.kept_shape) / first.dtype.type(self.count)
        return self.mean(np.multiply(first, second))

    def sum_for_parameter(self, x: Any) -> Any:
        """The sum over all axes but those that parameters lie along."""
        length = prod(self.parameter_shape)
        if self.others == tuple(range(len(self.others))) and length:
            return _column_sums(x.reshape(-1, length)).reshape(self.parameter_shape)
        return np.add.reduce(x, axis=self.others).reshape(self.parameter_shape)

    def aligned(self, parameter: Any, dtype: Any) -> Any:
        return parameter.astype(dtype, copy=False).reshape(self.lined)


def _column_sums(matrix: Any) -> Any:
    """Sums down the columns. As a product it runs in BLAS, in blocks: quicker, and with less error, than row on row."""
    return np.ones(len(matrix), matrix.dtype) @ matrix


def _layout(call: CallMeta, *, over_others: bool) -> Layout:
    """Statistics over the axes named, or over all others; parameters along those named."""
    x = call.results[0]
    named = normalize_axes(call.operation.short_name, call.attributes["axis"], x.ndim)
    others = tuple(place for place in range(x.ndim) if place not in named)
    return Layout(x, others if over_others else named, named)


def _converting(call: CallMeta, function: Callable[..., Any]) -> Callable[..., Any]:
    """The function in the dtype of the statistics, its first result brought back to that of x, without warnings."""
    narrow, wide = numpy_dtype(call.results[0].dtype), numpy_dtype(statistics_dtype(call.results[0].dtype))

    def run(*inputs: Any) -> Any:
        with np.errstate(all="ignore"):
            given = [None if value is None else value.astype(wide, copy=False) for value in inputs]
            first, *rest = function(*given)
        return (first.astype(narrow, copy=False), *rest) if rest else first.astype(narrow, copy=False)

    return run


def _standardized(x: Any, layout: Layout, epsilon: float) -> tuple[Any, Any, Any, Any]:
    """x less its mean, which may be written to; the mean; the variance; and 1 / √(variance + epsilon)."""
    mean = layout.mean(x)
    centered = x - mean
    variance = layout.mean_of_product(centered, centered)
    return centered, mean, variance, 1 / np.sqrt(variance + x.dtype.type(epsilon))


def _affine(centered: Any, inverse: Any, scale: Any, offset: Any, layout: Layout) -> Any:
    """centered · inverse · scale + offset, in place."""
    factor = None if scale is None else layout.aligned(scale, centered.dtype)
    if factor is not None and factor.shape == inverse.shape:
        inverse, factor = inverse * factor, None
    centered *= inverse
    if factor is not None:
        centered *= factor
    if offset is not None:
        centered += layout.aligned(offset, centered.dtype)
    return centered


@kernel(ops.layer_normalization)
def layer_normalization(call: CallMeta) -> Any:
    layout, epsilon = _layout(call, over_others=False), call.attributes["epsilon"]

    def run(x: Any, scale: Any, offset: Any) -> Any:
        centered, _, _, inverse = _standardized(x, layout, epsilon)
        return (_affine(centered, inverse, scale, offset, layout),)

    return _converting(call, run)


@kernel(ops.batch_normalization_training)
def batch_normalization_training(call: CallMeta) -> Any:
    layout, epsilon = _layout(call, over_others=True), call.attributes["epsilon"]
    shape = layout.parameter_shape

    def run(x: Any, scale: Any, offset: Any) -> Any:
        centered, mean, variance, inverse = _standardized(x, layout, epsilon)
        return _affine(centered, inverse, scale, offset, layout), mean.reshape(shape), variance.reshape(shape)

    return _converting(call, run)


@kernel(ops.batch_normalization)
def batch_normalization(call: CallMeta) -> Any:
    layout, epsilon = _layout(call, over_others=True), call.attributes["epsilon"]

    def run(x: Any, mean: Any, variance: Any, scale: Any, offset: Any) -> Any:
        inverse = 1 / np.sqrt(layout.aligned(variance, x.dtype) + x.dtype.type(epsilon))
        return (_affine(x - layout.aligned(mean, x.dtype), inverse, scale, offset, layout),)

    return _converting(call, run)


@kernel(ops.rms_normalization)
def rms_normalization(call: CallMeta) -> Any:
    layout, epsilon = _layout(call, over_others=False), call.attributes["epsilon"]

    def run(x: Any, scale: Any) -> Any:
        inverse = 1 / np.sqrt(layout.mean_of_product(x, x) + x.dtype.type(epsilon))
        result = x * inverse
        return (result if scale is None else np.multiply(result, layout.aligned(scale, x.dtype), out=result),)

    return _converting(call, run)


@kernel(ops.layer_normalization_gradient)
def layer_normalization_gradient(call: CallMeta) -> Any:
    layout, epsilon = _layout(call, over_others=False), call.attributes["epsilon"]

    def run(cotangent: Any, x: Any, scale: Any) -> Any:
        standard, _, _, inverse = _standardized(x, layout, epsilon)
        standard *= inverse
        shifting, scaling = layout.sum_for_parameter(cotangent), layout.sum_for_parameter(cotangent * standard)
        inner = cotangent if scale is None else cotangent * layout.aligned(scale, x.dtype)
        along = layout.mean_of_product(inner, standard)
        result = inner - layout.mean(inner)
        standard *= along
        result -= standard
        result *= inverse
        return result, scaling, shifting

    return _converting(call, run)


@kernel(ops.batch_normalization_gradient)
def batch_normalization_gradient(call: CallMeta) -> Any:
    layout, epsilon = _layout(call, over_others=True), call.attributes["epsilon"]

    def run(cotangent: Any, mean_cotangent: Any, variance_cotangent: Any, x: Any, scale: Any) -> Any:
        centered, _, _, inverse = _standardized(x, layout, epsilon)
        shifting = layout.sum_for_parameter(cotangent)
        along = layout.sum_for_parameter(cotangent * centered)
        scaling = along * inverse.reshape(along.shape)
        # dx = a · cotangent + b · centered + c, with a, b, c for each channel.
        factor = inverse if scale is None else inverse * layout.aligned(scale, x.dtype)
        count = x.dtype.type(layout.count)
        slope = (2 * variance_cotangent - (factor * inverse * inverse).reshape(along.shape) * along) / count
        constant = (mean_cotangent - factor.reshape(along.shape) * shifting) / count
        centered *= layout.aligned(slope, x.dtype)
        centered += layout.aligned(constant, x.dtype)
        centered += cotangent * factor
        return centered, scaling, shifting

    return _converting(call, run)
