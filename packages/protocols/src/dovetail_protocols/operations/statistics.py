"""Reductions composed of others: mean, variance, standard deviation, log of a sum of exponentials."""

from __future__ import annotations

from ..operation import composite
from .arithmetic import divide, maximum, sqrt, square
from .comparison import isfinite
from .creation import full
from .exponential import exp, log
from .gradients import stop_gradient
from .indexing import where
from .reductions import max, refuse_empty, sum
from .shape_rules import normalize_axes, reduced

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..metas import TensorMeta
    from .annotations import Floating, Inexact
    from .reductions import Axes


def _mean_meta(x: TensorMeta, *, axis: Axes, keepdims: bool) -> TensorMeta:
    return reduced("mean", x, axis, keepdims)


@composite(version=1, infer=_mean_meta)
def mean(x: Inexact, /, *, axis: Axes = None, keepdims: bool = False) -> Inexact:
    """The arithmetic mean over `axis`; NaN over an empty one. Integers are converted to the default floating dtype.

    Source: array API 2024.12, mean.
    """
    return divide(sum(x, axis=axis, keepdims=keepdims), reduced_count(x, axis))


def _var_meta(x: TensorMeta, *, axis: Axes, correction: float, keepdims: bool) -> TensorMeta:
    return reduced("var", x, axis, keepdims)


@composite(version=1, infer=_var_meta)
def var(x: Floating, /, *, axis: Axes = None, correction: float = 0.0, keepdims: bool = False) -> Floating:
    """Σ (x − mean)² / (n − correction) over `axis` of n elements: the population's variance with correction 0, the
    unbiased estimate with 1. NaN or ∞ where n ≤ correction.

    Source: array API 2024.12, var.
    """
    deviation = x - mean(x, axis=axis, keepdims=True)
    degrees_of_freedom = maximum(reduced_count(x, axis) - correction, 0)
    return divide(sum(square(deviation), axis=axis, keepdims=keepdims), degrees_of_freedom)


def _std_meta(x: TensorMeta, *, axis: Axes, correction: float, keepdims: bool) -> TensorMeta:
    return reduced("std", x, axis, keepdims)


@composite(version=1, infer=_std_meta)
def std(x: Floating, /, *, axis: Axes = None, correction: float = 0.0, keepdims: bool = False) -> Floating:
    """√var(x). Its gradient is not finite where the variance is 0.

    Source: array API 2024.12, std.
    """
    return sqrt(var(x, axis=axis, correction=correction, keepdims=keepdims))


def _logsumexp_meta(x: TensorMeta, *, axis: Axes, keepdims: bool) -> TensorMeta:
    refuse_empty("logsumexp", x, axis)
    return reduced("logsumexp", x, axis, keepdims)


@composite(version=1, infer=_logsumexp_meta)
def logsumexp(x: Floating, /, *, axis: Axes = None, keepdims: bool = False) -> Floating:
    """log Σ exp(x) over `axis`, computed without overflow as m + log Σ exp(x − m), where m is the largest element.

    −∞ where all elements are, ∞ where one is, NaN where one is.

    Raises: ShapeError where the axis is empty.
    Source: TensorFlow, tf.reduce_logsumexp.
    """
    largest = stop_gradient(max(x, axis=axis, keepdims=True))
    # ∞ − ∞ is NaN; with 0 in place of an infinite m, exp and log carry the infinity by themselves.
    shift = where(isfinite(largest), largest, 0)
    total = log(sum(exp(x - shift), axis=axis, keepdims=keepdims))
    return total + (shift if keepdims else sum(shift, axis=axis))


def reduced_count(x: Any, axis: Axes) -> Any:
    """How many elements of x go into one over `axis`: 0-d, in the dtype of x. An array, so that a size which is not
    known while tracing stays an attribute of the graph and doesn't become a number."""
    count = 1
    for place in normalize_axes("mean", axis, len(x.shape)):
        count = count * x.shape[place]
    return full(shape=(), fill_value=count, dtype=x.dtype, device=x.device)
