"""Checkpoints of what is trained on the device `xla`: on JAX's CPU here, on a GPU where JAX finds one.

There a compiled step is given its variables' memory to write into, so a save in the background must hold on to its own.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import dovetail as dt

RNG = np.random.default_rng(3)
INPUTS, LABELS = RNG.normal(size=(32, 20)).astype(np.float32), RNG.integers(0, 10, 32).astype(np.int32)


def training(device: str, seed: int) -> tuple[dict[str, Any], Callable[[], Any]]:
    """What there is to save, after a first step, and the step."""
    with dt.device(device):
        dt.random.set_seed(seed)
        x, labels = dt.constant(INPUTS), dt.constant(LABELS)
        layers = dt.layers
        model = layers.Sequential([layers.Dense(64, activation="relu"), layers.BatchNormalization(), layers.Dense(10)])
        optimizer = dt.optimizers.AdamW(0.01)

        @dt.function
        def step(x: Any, labels: Any) -> Any:
            with dt.GradientTape() as tape:
                loss = dt.mean(dt.operations.sparse_softmax_cross_entropy(labels, model(x, training=True)))
            variables = model.trainable_variables
            optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
            return loss

    def on_device() -> Any:
        with dt.device(device):
            return step(x, labels)

    on_device()
    return {"model": model, "optimizer": optimizer}, on_device


def values(tree: dict[str, Any]) -> list[Any]:
    return [np.array(variable.numpy()) for variable in tree["model"].variables]


def equal(one: list[Any], other: list[Any]) -> bool:
    return len(one) == len(other) and all(map(np.array_equal, one, other))


def test_a_save_in_the_background_has_the_values_of_its_moment_while_steps_go_on(tmp_path: Path) -> None:
    tree, step = training("xla", seed=1)
    for number in range(5):
        expected = values(tree)
        pending = dt.checkpointing.save_async(tmp_path / str(number), tree, step=number)
        for _ in range(3):
            step()
        assert not equal(values(tree), expected)
        pending.result()
        other, _ = training("xla", seed=2)
        dt.checkpointing.restore(tmp_path / str(number), other)
        assert equal(values(other), expected)
        assert {variable.device.kind for variable in other["model"].variables} == {"xla"}


def test_a_training_goes_on_as_if_it_had_not_been_interrupted(tmp_path: Path) -> None:
    tree, step = training("xla", seed=1)
    dt.checkpointing.save(tmp_path / "c", tree)
    losses = [float(step()) for _ in range(5)]
    other, other_step = training("xla", seed=2)
    dt.checkpointing.restore(tmp_path / "c", other)
    assert [float(other_step()) for _ in range(5)] == losses
    assert equal(values(other), values(tree))


@pytest.mark.parametrize(("source", "target"), [("xla", "cpu"), ("cpu", "xla")])
def test_a_checkpoint_moves_between_devices(tmp_path: Path, source: str, target: str) -> None:
    tree, _ = training(source, seed=1)
    receipt = dt.checkpointing.save(tmp_path / "c", tree)
    other, step = training(target, seed=2)
    dt.checkpointing.restore(tmp_path / "c", other)
    assert equal(values(other), values(tree))
    assert {variable.device.kind for variable in other["model"].variables} == {target}
    assert dt.checkpointing.save(tmp_path / "again", other).digest == receipt.digest
    step()
