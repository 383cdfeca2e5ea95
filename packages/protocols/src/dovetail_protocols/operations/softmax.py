"""Softmax and its logarithm: scores along an axis to probabilities."""

from __future__ import annotations

from ..operation import composite
from .arithmetic import divide
from .exponential import exp, log
from .gradients import stop_gradient
from .reductions import max, sum
from .shape_rules import normalize_axis

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..metas import TensorMeta
    from .annotations import Floating


def _softmax_meta(x: TensorMeta, *, axis: int) -> TensorMeta:
    normalize_axis("softmax", axis, x.ndim)
    return x


@composite(version=1, infer=_softmax_meta)
def softmax(x: Floating, /, *, axis: int = -1) -> Floating:
    """exp(x) / Σ exp(x) along `axis`, computed without overflow.

    NaN along an axis whose elements are all −∞.

    Source: TensorFlow, tf.nn.softmax.
    """
    if x.shape[axis] == 0:
        return x
    numerator = exp(x - stop_gradient(max(x, axis=axis, keepdims=True)))
    return divide(numerator, sum(numerator, axis=axis, keepdims=True))


def _log_softmax_meta(x: TensorMeta, *, axis: int) -> TensorMeta:
    normalize_axis("log_softmax", axis, x.ndim)
    return x


@composite(version=1, infer=_log_softmax_meta)
def log_softmax(x: Floating, /, *, axis: int = -1) -> Floating:
    """x − log Σ exp(x) along `axis`: log(softmax(x)), computed without overflow or loss of small probabilities.

    Source: TensorFlow, tf.nn.log_softmax.
    """
    if x.shape[axis] == 0:
        return x
    shifted = x - stop_gradient(max(x, axis=axis, keepdims=True))
    return shifted - log(sum(exp(shifted), axis=axis, keepdims=True))
