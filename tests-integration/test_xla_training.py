"""Training on the device `xla` gives what training on the CPU gives, as one program that updates variables in place."""

from __future__ import annotations

import os
import subprocess
import sys
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


TWO_DEVICES = """
import dovetail as dt

with dt.device("xla:1"):
    x, v = dt.ones((4, 4)), dt.Variable([1.0, 1.0, 1.0, 1.0])

    @dt.function
    def step(x):
        v.assign_add(dt.sum(x @ x, axis=0))
        return dt.ones((2,)) * v[0]

    for _ in range(3):
        y = step(x)
    arrays = [x, x @ x, y, v, dt.zeros((3,)), dt.random.normal((2,))]
used = {device.id for array in arrays for device in array.payload.devices()}
print({str(array.device) for array in arrays}, used, y.tolist())
"""


def test_arrays_and_programs_are_on_the_device_that_their_index_names() -> None:
    variables = os.environ | {"XLA_FLAGS": "--xla_force_host_platform_device_count=2", "JAX_PLATFORMS": "cpu"}
    command = [sys.executable, "-W", "error", "-c", TWO_DEVICES]
    done = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "{'xla:1'} {1} [49.0, 49.0]"
