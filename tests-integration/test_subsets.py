"""Any subset of the packages that suffices works: here others are hidden, as if they were not installed."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from tools import packages

from .plugin_sites import run_program

HIDE = """
import sys

class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {hidden}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Hidden())
"""


def run_with_only(allowed: set[str], program: str) -> str:
    """What a fresh process prints in which no other package of Dovetail can be imported, or is found as a plug-in."""
    names = {f"dovetail_{name}" for name in {*allowed, "protocols"}}
    hidden = {package.import_name for package in packages.find()} - names
    with tempfile.TemporaryDirectory() as shadows:
        for name in hidden:  # distributions without entry points, earlier in the path than the real ones
            Path(shadows, f"{name}-0.0.0.dist-info").mkdir()
        return run_program(HIDE.format(hidden=hidden) + program, Path(shadows), PYTHONWARNINGS="error").stdout


def test_tensors_and_kernels_numpy_alone_compute() -> None:
    program = """
import dovetail_tensors as dt
x = dt.constant([[1.0, 2.0], [3.0, 4.0]])
print((x @ x).tolist(), float(dt.sum(dt.exp(x * 0.0))))
v = dt.Variable([1.0, 2.0]); v.assign_add([1.0, 1.0]); print(v.tolist())
"""
    first, second = run_with_only({"tensors", "kernels_numpy"}, program).splitlines()
    assert first == "[[7.0, 10.0], [15.0, 22.0]] 4.0"
    assert second == "[2.0, 3.0]"


def test_autodiff_without_modules_differentiates() -> None:
    program = """
import dovetail_tensors as dt
from dovetail_autodiff import GradientTape, grad, hessian, vmap
print(float(grad(lambda x: x**3)(dt.constant(2.0))), float(hessian(lambda x: x**3)(dt.constant(2.0))))
v = dt.Variable(3.0)
with GradientTape() as tape:
    y = dt.tanh(v * 0.0) + v * v
print(float(tape.gradient(y, v)), vmap(grad(lambda x: x * x))(dt.constant([1.0, 2.0])).tolist())
"""
    out = run_with_only({"tensors", "kernels_numpy", "autodiff"}, program)
    assert out.splitlines() == ["12.0 12.0", "6.0 [2.0, 4.0]"]


def test_functions_trace_without_autodiff() -> None:
    program = """
import dovetail_tensors as dt
from dovetail_functions import function
f = function(lambda x: dt.sum(x * 2.0))
print(float(f(dt.constant([1.0, 2.0]))), f.tracing_count)
"""
    assert run_with_only({"tensors", "kernels_numpy", "functions"}, program).strip() == "6.0 1"


def test_checkpointing_alone_saves_numpy_arrays() -> None:
    program = """
import tempfile, numpy as np
from dovetail_checkpointing import restore, save
with tempfile.TemporaryDirectory() as folder:
    save(f"{folder}/c", {"x": np.arange(3)})
    print(restore(f"{folder}/c", {"x": np.zeros(3, int)}).tree["x"].tolist())
"""
    assert run_with_only({"checkpointing"}, program).strip() == "[0, 1, 2]"


def test_modules_run_and_train_without_functions_and_checkpointing() -> None:
    program = """
import dovetail_tensors as dt
from dovetail_autodiff import GradientTape
from dovetail_modules import layers
from dovetail_optimizers import SGD
layer, optimizer = layers.Dense(1, kernel_initializer="ones"), SGD(0.1)
x = dt.constant([[1.0, 1.0]])
with GradientTape() as tape:
    loss = dt.sum(layer(x) ** 2)
optimizer.apply_gradients(zip(tape.gradient(loss, layer.trainable_variables), layer.trainable_variables))
print(float(loss), [v.tolist() for v in layer.trainable_variables])
"""
    out = run_with_only({"tensors", "kernels_numpy", "autodiff", "modules", "optimizers"}, program)
    number, _, variables = out.strip().partition(" ")
    assert float(number) == 4.0
    values = variables.replace("[", "").replace("]", "").split(", ")
    assert [float(value) for value in values] == pytest.approx([-0.4, 0.6, 0.6])


def test_without_a_kernel_package_the_error_says_what_to_install() -> None:
    program = """
import dovetail_tensors as dt
try:
    dt.constant([1.0]) + dt.constant([2.0])
except LookupError as error:
    print(error)
"""
    assert "pip install dovetail-kernels-numpy" in run_with_only({"tensors"}, program)


def test_without_a_tensor_package_the_error_says_what_to_install() -> None:
    program = """
from dovetail_modules import layers
try:
    layers.Dense(2)([[1.0]])
except ImportError as error:
    print(error)
"""
    assert "pip install dovetail-tensors" in run_with_only({"modules"}, program)
