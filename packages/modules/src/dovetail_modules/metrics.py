"""Metrics, as Keras names them: they gather over batches. Their state is variables, so traced functions run them."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

from dovetail_protocols import operations as ops
from dovetail_protocols.arrays import provider
from dovetail_protocols.dtypes import float32

from . import losses
from .module import Module


class Metric(Module):
    """A number gathered over many batches: `update_state` for each, `result` at any time, `reset_state` to begin."""

    def __init__(self, name: str | None = None) -> None:
        super().__init__(name)

    def add_state(self, name: str, shape: tuple[int, ...] = ()) -> Any:
        """A new variable of zeros, float32, not trainable. Keep it as an attribute."""
        return provider().variable(ops.full(shape=shape, fill_value=0.0, dtype=float32), name=name, trainable=False)

    @abstractmethod
    def update_state(self, *values: Any, **weights: Any) -> None:
        """Takes a batch in."""

    @abstractmethod
    def result(self) -> Any:
        """The metric over all batches since the last reset."""

    def reset_state(self) -> None:
        """Forgets all batches."""
        for variable in self.variables:
            meta = variable.meta
            zeros = ops.full(shape=meta.shape, fill_value=0, dtype=meta.dtype, device=meta.device)
            ops.assign_variable(variable, zeros)

    def __call__(self, *values: Any, sample_weight: Any = None) -> Any:
        """Takes a batch in and gives the result so far."""
        self.update_state(*values, sample_weight=sample_weight)
        return self.result()


class Sum(Metric):
    """The (weighted) sum of all values."""

    def __init__(self, name: str | None = None) -> None:
        super().__init__(name)
        self.total = self.add_state("total")

    def update_state(self, values: Any, *, sample_weight: Any = None) -> None:
        values = ops.cast(provider().convert(values), dtype=float32)
        _add(self.total, ops.sum(values if sample_weight is None else values * sample_weight))

    def result(self) -> Any:
        return ops.read_variable(self.total)


class Mean(Metric):
    """The (weighted) mean of all values; 0 before the first."""

    def __init__(self, name: str | None = None) -> None:
        super().__init__(name)
        self.total, self.count = self.add_state("total"), self.add_state("count")

    def update_state(self, values: Any, *, sample_weight: Any = None) -> None:
        values = ops.cast(provider().convert(values), dtype=float32)
        weights = ops.full(shape=values.shape, fill_value=1.0, dtype=float32, device=values.device)
        if sample_weight is not None:
            weights = weights * ops.cast(provider().convert(sample_weight), dtype=float32)
        _add(self.total, ops.sum(values * weights))
        _add(self.count, ops.sum(weights))

    def result(self) -> Any:
        count = ops.read_variable(self.count)
        return ops.where(ops.equal(count, 0.0), 0.0, ops.read_variable(self.total) / ops.maximum(count, 1e-37))


class _MeanOf(Mean):
    """The mean of a value for each sample, from targets and predictions."""

    # Targets and predictions in place of values, as Keras's MeanMetricWrapper has it.
    def update_state(  # type: ignore[override]
        self, y_true: Any, y_pred: Any, *, sample_weight: Any = None
    ) -> None:
        values = self.values(provider().convert(y_true), provider().convert(y_pred))
        super().update_state(values, sample_weight=sample_weight)

    @abstractmethod
    def values(self, y_true: Any, y_pred: Any) -> Any:
        """One value for each sample."""


class Accuracy(_MeanOf):
    """How often the prediction equals the target."""

    def values(self, y_true: Any, y_pred: Any) -> Any:
        return ops.equal(y_true, y_pred)


class BinaryAccuracy(_MeanOf):
    """How often the prediction is on the target's side of `threshold`."""

    def __init__(self, threshold: float = 0.5, name: str | None = None) -> None:
        super().__init__(name)
        self.threshold = threshold

    def values(self, y_true: Any, y_pred: Any) -> Any:
        side = ops.cast(ops.greater(y_pred, self.threshold), dtype=y_pred.dtype)
        return ops.mean(ops.cast(ops.equal(ops.cast(y_true, dtype=y_pred.dtype), side), dtype=float32), axis=-1)


class CategoricalAccuracy(_MeanOf):
    """How often the largest prediction is the target's class. Both: (…, classes)."""

    def values(self, y_true: Any, y_pred: Any) -> Any:
        return ops.equal(ops.argmax(y_true, axis=-1), ops.argmax(y_pred, axis=-1))


class SparseCategoricalAccuracy(_MeanOf):
    """How often the largest prediction is the target's class. y_true: (…), integers; y_pred: (…, classes)."""

    def values(self, y_true: Any, y_pred: Any) -> Any:
        best = ops.argmax(y_pred, axis=-1)
        return ops.equal(ops.cast(y_true, dtype=best.dtype), best)


class MeanSquaredError(_MeanOf):
    """The mean squared error."""

    def values(self, y_true: Any, y_pred: Any) -> Any:
        return losses.mean_squared_error(y_true, y_pred)


class MeanAbsoluteError(_MeanOf):
    """The mean absolute error."""

    def values(self, y_true: Any, y_pred: Any) -> Any:
        return losses.mean_absolute_error(y_true, y_pred)


def _add(variable: Any, amount: Any) -> None:
    ops.assign_variable(variable, ops.read_variable(variable) + amount)
