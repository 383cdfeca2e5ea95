"""Training with the native compiler beside training with NumPy's kernels, and what happens where compiling fails."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
import pytest

import dovetail as dt
from dovetail_protocols.errors import PluginError, PluginWarning


def network(kind: str) -> Any:
    if kind == "convolutions":
        return dt.layers.Sequential(
            [
                dt.layers.Conv2D(8, 3, padding="same", activation="relu"),
                dt.layers.MaxPooling2D(2),
                dt.layers.Conv2D(12, 3, activation="relu"),
                dt.layers.Flatten(),
                dt.layers.Dense(5),
            ]
        )
    if kind == "normalized":
        return dt.layers.Sequential(
            [
                dt.layers.Flatten(),
                dt.layers.Dense(32, activation="gelu"),
                dt.layers.LayerNormalization(),
                dt.layers.Dense(5),
            ]
        )
    return dt.layers.Sequential([dt.layers.Flatten(), dt.layers.Dense(64, activation="tanh"), dt.layers.Dense(5)])


def curve(kind: str, optimizer: Any, **options: Any) -> tuple[list[float], Any]:
    """The losses of some steps, and the function that made them."""
    dt.random.set_seed(7)
    random = np.random.default_rng(7)
    x = dt.constant(random.normal(size=(24, 10, 10, 2)).astype(np.float32))
    labels = dt.constant(random.integers(0, 5, 24).astype(np.int32))
    with dt.kernels.use("numpy", only=True):
        model = network(kind)
        model(x)
    chosen = optimizer()

    @dt.function(**options)
    def step(x: Any, labels: Any) -> Any:
        with dt.GradientTape() as tape:
            loss = dt.mean(dt.operations.sparse_softmax_cross_entropy(labels, model(x)))
        variables = model.trainable_variables
        chosen.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
        return loss

    return [float(step(x, labels)) for _ in range(40)], step


@pytest.mark.parametrize("kind", ["dense", "convolutions", "normalized"])
@pytest.mark.parametrize("optimizer", ["Adam", "Momentum"])
def test_loss_curves_agree_with_those_of_numpy(kind: str, optimizer: str) -> None:
    def make() -> Any:
        return getattr(dt.optimizers, optimizer)(1e-2 if optimizer == "Adam" else 1e-3)

    compiled, _ = curve(kind, make, compilers=["llvm"], strict=True)
    reference, _ = curve(kind, make, compilers=[])
    assert reference[-1] < reference[0] * 0.9
    # Roundings differ, and forty steps of training make more of them: by a factor of a hundred, not of ten thousand.
    np.testing.assert_allclose(compiled, reference, rtol=2e-3)


def test_where_compiling_fails_kernels_run_and_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_arguments: Any) -> Any:
        raise MemoryError("no registers left")

    planning = importlib.import_module("dovetail_kernels_llvm.planning.plan")
    monkeypatch.setattr(planning, "plan", fail)
    x = dt.constant([1.0, 2.0])
    doubled = dt.function(lambda x: dt.exp(x) * 2.0, compilers=["llvm"])
    with pytest.warns(PluginWarning, match="no registers left"):
        result = doubled(x)
    np.testing.assert_allclose(result.numpy(), np.exp([1.0, 2.0]) * 2, rtol=1e-6)
    with pytest.raises(PluginError, match="no registers left"):
        dt.function(lambda x: dt.exp(x) * 3.0, compilers=["llvm"], strict=True)(x)


def test_threads_do_not_change_results() -> None:
    before = dt.kernels.threads()
    try:
        curves = []
        for count in (1, 2, 3):
            assert dt.kernels.threads(count) == count
            curves.append(curve("convolutions", lambda: dt.optimizers.Adam(1e-2), compilers=["llvm"])[0])
    finally:
        dt.kernels.threads(before)
    assert curves[0] == curves[1] == curves[2]


def test_explain_shows_the_kernels() -> None:
    _, step = curve("dense", lambda: dt.optimizers.Adam(1e-2), compilers=["llvm"])
    x, labels = dt.zeros((24, 10, 10, 2)), dt.zeros((24,), dtype=dt.int32)
    explained = step.explain(x, labels)
    assert set(explained.count_by_runner()) == {"compiler llvm"}
    ((name, kernels),) = explained.kernels
    assert name == "llvm"
    assert any("matmul" in kernel.what and "tanh" in kernel.what for kernel in kernels)
    assert all(kernel.seconds >= 0 for kernel in kernels)
    assert "predicted in all" in str(explained)
