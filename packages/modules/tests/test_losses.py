"""Losses against their formulas in float64."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dovetail_modules import losses
from dovetail_protocols.errors import AttributeValueError
from dovetail_tensors import constant

RANDOM = np.random.default_rng(5)
SHAPE = (6, 4)
PREDICTED, TARGET = RANDOM.normal(size=SHAPE), RANDOM.normal(size=SHAPE)
PROBABILITIES = np.exp(PREDICTED) / np.exp(PREDICTED).sum(-1, keepdims=True)
TARGET_PROBABILITIES = np.exp(TARGET) / np.exp(TARGET).sum(-1, keepdims=True)
CLASSES = RANDOM.integers(0, 4, 6)
BITS = RANDOM.integers(0, 2, SHAPE).astype(float)
LIKELY = 1 / (1 + np.exp(-PREDICTED))
ERROR = PREDICTED - TARGET
CROSS_ENTROPY = -np.sum(TARGET_PROBABILITIES * np.log(PROBABILITIES), -1)
SPARSE = -np.log(PROBABILITIES[np.arange(6), CLASSES])
BINARY = -(BITS * np.log(LIKELY) + (1 - BITS) * np.log(1 - LIKELY)).mean(-1)
SMOOTH = 0.9 * TARGET_PROBABILITIES + 0.1 / 4

CASES: dict[str, tuple[losses.Loss, Any, Any, Any]] = {
    # loss, targets, predictions, expected for each sample
    "mean squared error": (losses.MeanSquaredError("none"), TARGET, PREDICTED, (ERROR**2).mean(-1)),
    "mean absolute error": (losses.MeanAbsoluteError("none"), TARGET, PREDICTED, np.abs(ERROR).mean(-1)),
    "huber": (
        losses.Huber(0.5, "none"),
        TARGET,
        PREDICTED,
        np.where(np.abs(ERROR) <= 0.5, 0.5 * ERROR**2, 0.5 * np.abs(ERROR) - 0.125).mean(-1),
    ),
    "log cosh": (losses.LogCosh("none"), TARGET, PREDICTED, np.log(np.cosh(ERROR)).mean(-1)),
    "kl divergence": (
        losses.KLDivergence("none"),
        TARGET_PROBABILITIES,
        PROBABILITIES,
        np.sum(TARGET_PROBABILITIES * np.log(TARGET_PROBABILITIES / PROBABILITIES), -1),
    ),
    "categorical": (
        losses.CategoricalCrossentropy(reduction="none"),
        TARGET_PROBABILITIES,
        PROBABILITIES,
        CROSS_ENTROPY,
    ),
    "categorical from logits": (
        losses.CategoricalCrossentropy(from_logits=True, reduction="none"),
        TARGET_PROBABILITIES,
        PREDICTED,
        CROSS_ENTROPY,
    ),
    "categorical with smoothed labels": (
        losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1, reduction="none"),
        TARGET_PROBABILITIES,
        PREDICTED,
        -np.sum(SMOOTH * np.log(PROBABILITIES), -1),
    ),
    "sparse categorical": (
        losses.SparseCategoricalCrossentropy(reduction="none"),
        CLASSES.astype(np.int32),
        PROBABILITIES,
        SPARSE,
    ),
    "sparse categorical from logits": (
        losses.SparseCategoricalCrossentropy(from_logits=True, reduction="none"),
        CLASSES,
        PREDICTED,
        SPARSE,
    ),
    "binary": (losses.BinaryCrossentropy(reduction="none"), BITS, LIKELY, BINARY),
    "binary from logits": (
        losses.BinaryCrossentropy(from_logits=True, reduction="none"),
        BITS.astype(np.int32),
        PREDICTED,
        BINARY,
    ),
    "hinge": (losses.Hinge("none"), 2 * BITS - 1, PREDICTED, np.maximum(1 - (2 * BITS - 1) * PREDICTED, 0).mean(-1)),
    "cosine similarity": (
        losses.CosineSimilarity(reduction="none"),
        TARGET,
        PREDICTED,
        -np.sum(TARGET * PREDICTED, -1) / np.linalg.norm(TARGET, axis=-1) / np.linalg.norm(PREDICTED, axis=-1),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_loss_of_each_sample_follows_its_formula(name: str) -> None:
    loss, target, predicted, expected = CASES[name]
    got = loss(target, constant(predicted))
    assert got.shape == (6,)
    # float64 throughout, but probabilities are clipped at 1e-7 and the sums renormalized.
    np.testing.assert_allclose(got.numpy(), expected, rtol=1e-6)


WEIGHTS = np.array([0.0, 1.0, 2.0, 0.5, 1.0, 1.0])


@pytest.mark.parametrize(
    ("reduction", "expected"),
    [
        ("sum_over_batch_size", lambda v: np.mean(v * WEIGHTS)),
        ("mean", lambda v: np.sum(v * WEIGHTS) / np.sum(WEIGHTS)),
        ("sum", lambda v: np.sum(v * WEIGHTS)),
        ("none", lambda v: v * WEIGHTS),
    ],
)
def test_reductions_and_sample_weights(reduction: str, expected: Any) -> None:
    got = losses.MeanSquaredError(reduction)(TARGET, constant(PREDICTED), sample_weight=WEIGHTS)
    np.testing.assert_allclose(got.numpy(), expected((ERROR**2).mean(-1)), rtol=1e-12)


def test_unknown_reduction_is_refused() -> None:
    with pytest.raises(AttributeValueError, match="unknown reduction 'average'"):
        losses.MeanSquaredError("average")
