"""Metrics over several batches."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dovetail_functions import function
from dovetail_modules import metrics


def test_mean_over_batches_weighted_and_reset() -> None:
    mean = metrics.Mean()
    assert float(mean.result()) == 0.0
    mean.update_state([1.0, 2.0])
    mean.update_state([6.0], sample_weight=[2.0])
    assert float(mean.result()) == pytest.approx((1 + 2 + 12) / 4)
    mean.reset_state()
    assert float(mean(3.0)) == 3.0


def test_sum() -> None:
    total = metrics.Sum()
    total([1.0, 2.0])
    assert float(total([3.0], sample_weight=[2.0])) == 9.0


@pytest.mark.parametrize(
    ("metric", "target", "predicted", "expected"),
    [
        (metrics.Accuracy, [1, 2, 3, 4], [1, 2, 0, 4], 0.75),
        (metrics.BinaryAccuracy, [[1.0], [0.0], [1.0]], [[0.9], [0.2], [0.4]], 2 / 3),
        (metrics.CategoricalAccuracy, [[0, 1.0], [1, 0]], [[0.3, 0.7], [0.1, 0.9]], 0.5),
        (metrics.SparseCategoricalAccuracy, [1, 0], [[0.3, 0.7], [0.1, 0.9]], 0.5),
        (metrics.MeanSquaredError, [[1.0, 2.0]], [[1.0, 4.0]], 2.0),
        (metrics.MeanAbsoluteError, [[1.0, 2.0]], [[1.0, 4.0]], 1.0),
    ],
)
def test_metric_of_targets_and_predictions(metric: Any, target: Any, predicted: Any, expected: float) -> None:
    assert float(metric()(target, predicted)) == pytest.approx(expected)


def test_state_is_variables_that_are_not_trainable() -> None:
    mean = metrics.Mean()
    assert len(mean.variables) == 2
    assert mean.trainable_variables == ()


def test_metrics_gather_inside_traced_functions() -> None:
    accuracy = metrics.SparseCategoricalAccuracy()

    @function
    def take(target: Any, predicted: Any) -> Any:
        return accuracy(target, predicted)

    predicted = np.eye(3, dtype=np.float32)
    take(np.array([0, 1, 2], np.int32), predicted)
    assert float(take(np.array([0, 0, 0], np.int32), predicted)) == pytest.approx(4 / 6)
