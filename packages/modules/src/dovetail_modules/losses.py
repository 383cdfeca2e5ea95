"""Losses, as Keras names them: `loss(y_true, y_pred)`.

The functions give one value for each sample; the classes reduce those to one number, weighted by `sample_weight`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from dovetail_protocols import operations as ops
from dovetail_protocols.arrays import provider
from dovetail_protocols.errors import AttributeValueError

REDUCTIONS = ("sum_over_batch_size", "mean", "sum", "none")


# ---------------------------------------------------------------------- one value for each sample


def mean_squared_error(y_true: Any, y_pred: Any) -> Any:
    """The mean of (y_true - y_pred)² over the last axis. Both: (…, features) → (…)."""
    return ops.mean(ops.squared_error(_like(y_true, y_pred), y_pred), axis=-1)


def mean_absolute_error(y_true: Any, y_pred: Any) -> Any:
    """The mean of |y_true - y_pred| over the last axis. Both: (…, features) → (…)."""
    return ops.mean(ops.absolute_error(_like(y_true, y_pred), y_pred), axis=-1)


def huber(y_true: Any, y_pred: Any, delta: float = 1.0) -> Any:
    """Quadratic below `delta`, linear beyond; the mean over the last axis. Source: P. Huber, 1964."""
    return ops.mean(ops.huber(_like(y_true, y_pred), y_pred, delta=delta), axis=-1)


def log_cosh(y_true: Any, y_pred: Any) -> Any:
    """The mean of log cosh(y_pred - y_true) over the last axis."""
    return ops.mean(ops.log_cosh(_like(y_true, y_pred), y_pred), axis=-1)


def kl_divergence(y_true: Any, y_pred: Any) -> Any:
    """Σ y_true · log(y_true / y_pred) over the last axis. Both: (…, classes), probabilities."""
    return ops.kl_divergence(_like(y_true, y_pred), y_pred)


def categorical_crossentropy(y_true: Any, y_pred: Any, from_logits: bool = False, label_smoothing: float = 0.0) -> Any:
    """-Σ y_true · log(probability) over the last axis. Both: (…, classes); y_pred are probabilities, or logits."""
    y_true = _like(y_true, y_pred)
    if label_smoothing:
        y_true = y_true * (1.0 - label_smoothing) + label_smoothing / y_true.shape[-1]
    return ops.softmax_cross_entropy(y_true, y_pred if from_logits else _log_probabilities(y_pred))


def sparse_categorical_crossentropy(y_true: Any, y_pred: Any, from_logits: bool = False) -> Any:
    """-log(probability of the class). y_true: (…), integers; y_pred: (…, classes), probabilities or logits."""
    return ops.sparse_softmax_cross_entropy(y_true, y_pred if from_logits else _log_probabilities(y_pred))


def binary_crossentropy(y_true: Any, y_pred: Any, from_logits: bool = False, label_smoothing: float = 0.0) -> Any:
    """-y · log(p) - (1 - y) · log(1 - p), the mean over the last axis. Both: (…, features)."""
    y_true = _like(y_true, y_pred)
    if label_smoothing:
        y_true = y_true * (1.0 - label_smoothing) + 0.5 * label_smoothing
    if from_logits:
        return ops.mean(ops.sigmoid_cross_entropy(y_true, y_pred), axis=-1)
    p = ops.clip(y_pred, EPSILON, 1.0 - EPSILON)
    return ops.mean(-(y_true * ops.log(p) + (1.0 - y_true) * ops.log(1.0 - p)), axis=-1)


def hinge(y_true: Any, y_pred: Any) -> Any:
    """max(1 - y_true · y_pred, 0), the mean over the last axis. y_true: -1 or 1."""
    return ops.mean(ops.relu(1.0 - _like(y_true, y_pred) * y_pred), axis=-1)


def cosine_similarity(y_true: Any, y_pred: Any, axis: int = -1) -> Any:
    """Minus the cosine of the angle between both, along `axis`."""
    y_true = _like(y_true, y_pred)
    product = ops.sum(y_true * y_pred, axis=axis)
    lengths = ops.sum(y_true * y_true, axis=axis) * ops.sum(y_pred * y_pred, axis=axis)
    return -product * ops.rsqrt(ops.maximum(lengths, EPSILON * EPSILON))


EPSILON = 1e-7
"""Probabilities are kept this far from 0 and 1, as in Keras."""


def _log_probabilities(probabilities: Any) -> Any:
    total = ops.sum(probabilities, axis=-1, keepdims=True)
    return ops.log(ops.clip(probabilities / total, EPSILON, 1.0 - EPSILON))


def _like(y_true: Any, y_pred: Any) -> Any:
    """The targets in the predictions' dtype."""
    y_true = provider().convert(y_true)
    return y_true if y_true.dtype is y_pred.dtype else ops.cast(y_true, dtype=y_pred.dtype)


# ---------------------------------------------------------------------- one number


class Loss(ABC):
    """A loss as an object: options at its making, targets and predictions at each call.

    `reduction`: "sum_over_batch_size" (the mean over samples; "mean" divides by the sum of weights instead), "sum", or
    "none" (one value for each sample).
    """

    def __init__(self, reduction: str = "sum_over_batch_size") -> None:
        if reduction not in REDUCTIONS:
            raise AttributeValueError(f"unknown reduction {reduction!r}", expected=", ".join(REDUCTIONS))
        self.reduction = reduction

    @abstractmethod
    def call(self, y_true: Any, y_pred: Any) -> Any:
        """One value for each sample."""

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        values = self.call(y_true, provider().convert(y_pred))
        if sample_weight is not None:
            sample_weight = _like(sample_weight, values)
            values = values * sample_weight
        if self.reduction == "none":
            return values
        if self.reduction == "sum":
            return ops.sum(values)
        if self.reduction == "mean" and sample_weight is not None:
            return ops.sum(values) / ops.sum(ops.broadcast_to(sample_weight, shape=values.shape))
        return ops.mean(values)


class MeanSquaredError(Loss):
    """See `mean_squared_error`."""

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return mean_squared_error(y_true, y_pred)


class MeanAbsoluteError(Loss):
    """See `mean_absolute_error`."""

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return mean_absolute_error(y_true, y_pred)


class Huber(Loss):
    """See `huber`."""

    def __init__(self, delta: float = 1.0, reduction: str = "sum_over_batch_size") -> None:
        super().__init__(reduction)
        self.delta = delta

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return huber(y_true, y_pred, self.delta)


class LogCosh(Loss):
    """See `log_cosh`."""

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return log_cosh(y_true, y_pred)


class KLDivergence(Loss):
    """See `kl_divergence`."""

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return kl_divergence(y_true, y_pred)


class CategoricalCrossentropy(Loss):
    """See `categorical_crossentropy`."""

    def __init__(
        self, from_logits: bool = False, label_smoothing: float = 0.0, reduction: str = "sum_over_batch_size"
    ) -> None:
        super().__init__(reduction)
        self.from_logits, self.label_smoothing = from_logits, label_smoothing

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return categorical_crossentropy(y_true, y_pred, self.from_logits, self.label_smoothing)


class SparseCategoricalCrossentropy(Loss):
    """See `sparse_categorical_crossentropy`."""

    def __init__(self, from_logits: bool = False, reduction: str = "sum_over_batch_size") -> None:
        super().__init__(reduction)
        self.from_logits = from_logits

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return sparse_categorical_crossentropy(y_true, y_pred, self.from_logits)


class BinaryCrossentropy(Loss):
    """See `binary_crossentropy`."""

    def __init__(
        self, from_logits: bool = False, label_smoothing: float = 0.0, reduction: str = "sum_over_batch_size"
    ) -> None:
        super().__init__(reduction)
        self.from_logits, self.label_smoothing = from_logits, label_smoothing

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return binary_crossentropy(y_true, y_pred, self.from_logits, self.label_smoothing)


class Hinge(Loss):
    """See `hinge`."""

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return hinge(y_true, y_pred)


class CosineSimilarity(Loss):
    """See `cosine_similarity`."""

    def __init__(self, axis: int = -1, reduction: str = "sum_over_batch_size") -> None:
        super().__init__(reduction)
        self.axis = axis

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return cosine_similarity(y_true, y_pred, self.axis)
