"""Training on the device `xla` gives what training on the CPU gives, as one program that updates variables in place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import dovetail as dt

STEPS = 3
RNG = np.random.default_rng(5)


def convolutional() -> Any:
    layers = dt.layers
    return layers.Sequential(
        [
            layers.Conv2D(4, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(2),
            layers.BatchNormalization(),
            layers.Dropout(0.25),
            layers.Flatten(),
            layers.Dense(3),
        ]
    )


class Attending(dt.Module):
    """Tokens to classes: embedding, attention, layer normalization, gelu."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = dt.layers.Embedding(11, 8)
        self.attention = dt.layers.MultiHeadAttention(2, 4)
        self.normalization = dt.layers.LayerNormalization()
        self.dense = dt.layers.Dense(3)

    def __call__(self, tokens: Any, training: bool = False) -> Any:
        x = self.embedding(tokens)
        x = self.normalization(x + self.attention(x, x, use_causal_mask=True))
        return self.dense(dt.mean(dt.operations.gelu(x), axis=1))


def recurrent() -> Any:
    return dt.layers.Sequential([dt.layers.LSTM(5), dt.layers.Dense(3)])


IMAGES, SERIES = RNG.normal(size=(6, 8, 8, 2)).astype(np.float32), RNG.normal(size=(6, 7, 4)).astype(np.float32)
TOKENS, LABELS = RNG.integers(0, 11, (6, 7)).astype(np.int32), RNG.integers(0, 3, 6).astype(np.int32)


def losses(make: Callable[[], Any], inputs: Any, device: str) -> tuple[list[float], Any]:
    """The losses of the first steps, and how the step runs."""
    with dt.device(device):
        dt.random.set_seed(7)
        x, labels = dt.constant(inputs), dt.constant(LABELS)
        model, optimizer = make(), dt.optimizers.Adam(0.01)
        model(x)

        @dt.function
        def step(x: Any, labels: Any) -> Any:
            with dt.GradientTape() as tape:
                logits = model(x, training=True)
                loss = dt.mean(dt.operations.sparse_softmax_cross_entropy(labels, logits))
            variables = model.trainable_variables
            optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
            return loss

        found = [float(step(x, labels)) for _ in range(STEPS)]
        return found, step.explain(x, labels).count_by_runner()


@pytest.mark.parametrize(
    ("make", "inputs"),
    [(convolutional, IMAGES), (Attending, TOKENS), (recurrent, SERIES)],
    ids=["convolutional", "attending", "recurrent"],
)
def test_losses_are_those_of_the_cpu(make: Callable[[], Any], inputs: Any) -> None:
    on_device, runners = losses(make, inputs, "xla")
    on_cpu, _ = losses(make, inputs, "cpu")
    # Three steps of float32: some hundred roundings of 6e-8 each, amplified a little by Adam's division.
    np.testing.assert_allclose(on_device, on_cpu, rtol=1e-4)
    assert set(runners) == {"compiler xla"}
