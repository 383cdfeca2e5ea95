"""Exported programs where nothing but what they need is installed, in other storage, and on other devices."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import dovetail as dt
from dovetail_checkpointing import export, load_program
from dovetail_protocols.plugins import use
from tools import packages

from .exported_modules import VECTOR, Holder
from .plugin_sites import declare, run_program
from .test_subsets import run_with_only

EXAMPLE = Path(__file__).parents[1] / "examples" / "language_model.py"

# ---------------------------------------------------------------------- a real program elsewhere


def language_model() -> ModuleType:
    spec = importlib.util.spec_from_file_location("language_model", EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


ANSWERS = """
import numpy as np
from dovetail_checkpointing import load_program
program = load_program({folder!r} + "/program")
serve, texts = program.signatures["serving_default"], np.load({folder!r} + "/texts.npz")
np.savez({folder!r} + "/answers.npz", **{{name: serve(texts[name])["output_0"] for name in texts}})
print(program.assets["characters.txt"].read_text())
"""


def test_the_language_model_answers_the_same_to_the_bit_where_only_kernels_and_functions_are_installed(
    tmp_path: Path,
) -> None:
    example = language_model()
    codes = np.random.default_rng(0).integers(0, 20, 2000).astype(np.int32)
    model = example.train(codes, 20, steps=1, seed=1)
    example.export(model, list("abcdefghijklmnopqrst"), tmp_path / "program")
    texts = {name: codes[:size].reshape(shape) for name, size, shape in [("a", 128, (2, 64)), ("b", 7, (1, 7))]}
    np.savez(tmp_path / "texts.npz", **texts)
    needed = {"tensors", "functions", "checkpointing", "kernels_numpy"}
    for more in (set(), {"kernels_llvm"}):
        printed = run_with_only(needed | more, ANSWERS.format(folder=str(tmp_path)))
        assert printed.strip() == "abcdefghijklmnopqrst"
        with use("llvm", "numpy") if more else use("numpy", only=True):
            wanted = {name: np.asarray(dt.function(model)(text)) for name, text in texts.items()}
        with np.load(tmp_path / "answers.npz") as answers:
            for name in texts:
                assert answers[name].tobytes() == wanted[name].tobytes(), (name, more)


def test_without_a_package_for_functions_it_runs_operation_by_operation(tmp_path: Path) -> None:
    class Scaled(dt.Module):
        def __init__(self) -> None:
            super().__init__()
            self.v = dt.Variable([1.0, 2.0], name="v")

        @dt.function(input_signature=[dt.TensorSpec([None, 2])])
        def __call__(self, x: Any) -> Any:
            self.v.assign_add([1.0, 1.0])
            return dt.while_loop(lambda i, y: i < 3, lambda i, y: (i + 1, y + x * self.v), (dt.constant(0), x))[1]

    scaled = Scaled()
    export(tmp_path / "scaled", scaled)
    wanted = scaled(dt.ones((2, 2))).tolist()
    program = f"""
import dovetail_tensors as dt
from dovetail_autodiff import GradientTape
from dovetail_checkpointing import load_program
loaded = load_program({str(tmp_path / "scaled")!r})
print(loaded(dt.ones((2, 2))).tolist(), loaded.v.tolist())
loaded = load_program({str(tmp_path / "scaled")!r})
with GradientTape() as tape:
    y = dt.sum(loaded(dt.ones((1, 2))))
print(tape.gradient(y, loaded.v).tolist())
"""
    first, second = run_with_only({"tensors", "autodiff", "checkpointing", "kernels_numpy"}, program).splitlines()
    assert first == f"{wanted} [2.0, 3.0]"
    assert second == "[3.0, 3.0]"


AGAIN = """
import tempfile
import dovetail as dt

class Net(dt.Module):
    def __init__(self):
        super().__init__()
        self.layers = {name: dt.layers.Dense(2) for name in ("b", "a")}

    @dt.function
    def __call__(self, x, options):
        return {key: self.layers["a"](self.layers["b"](x)) * options[key] for key in options}

dt.random.set_seed(0)
net = Net()
net(dt.ones((1, 3)), {"y": dt.constant(1.0), "x": dt.constant(2.0)})
with tempfile.TemporaryDirectory() as folder:
    print(dt.checkpointing.export(folder + "/net", net).digest)
"""


def test_the_same_program_is_exported_to_the_same_bytes_in_any_process() -> None:
    digests = {run_program(AGAIN, None, PYTHONHASHSEED=seed).stdout for seed in ("1", "2")}
    assert len(digests) == 1
    assert len(digests.pop().strip()) == 64


def test_a_program_lies_in_an_object_store_too() -> None:
    url = "memory://programs/double"
    double = dt.function(lambda x: x * 2.0)
    double.get_concrete_function(VECTOR)
    receipt = export(url, Holder(double), double, assets={"a.txt": b"text"})
    loaded = load_program(url, expected_digest=receipt.digest)
    assert loaded.run([1.5]).tolist() == [3.0]
    assert str(loaded.assets["a.txt"]) == f"{receipt.path}/assets/a.txt"
    with pytest.raises(dt.errors.CheckpointError, match="can't be replaced"):
        export(url, Holder(double), overwrite=True)


OTHERS = """
import sys, tempfile
sys.path.insert(0, {site!r})
import dovetail_tensors as dt
from dovetail_checkpointing import Checkpoint, export, load_program
from functions_1_0 import CALLS, MAKER

v, w = dt.Variable([1.0, 2.0], name="v"), dt.constant([10.0, 20.0])
def counted(x):
    v.assign_add([1.0, 1.0])
    return [x * v.read_value() + w]
double = MAKER.function(counted, name="counted")
double.get_concrete_function(dt.constant([0.0, 0.0]))
with tempfile.TemporaryDirectory() as folder:
    export(folder + "/program", Checkpoint(v=v), double)
    loaded = load_program(folder + "/program")
serve = loaded.signatures["serving_default"]
print(serve(x0=[1.0, 1.0])["output_0"].tolist(), loaded.v.tolist(), v.tolist(), CALLS)
"""


def test_functions_of_another_package_are_exported_and_run_by_it(tmp_path: Path) -> None:
    frozen = packages.ROOT / "packages" / "protocols" / "tests" / "old_implementers" / "functions_1_0.py"
    shutil.copy(frozen, tmp_path)
    declare(tmp_path, "old-functions", "1.0", "[dovetail.functions.v1]\nold = functions_1_0:MAKER\n")
    program = OTHERS.format(site=str(tmp_path))
    printed = run_with_only({"tensors", "checkpointing", "kernels_numpy"}, program)
    assert printed.strip() == "[12.0, 23.0] [2.0, 3.0] [1.0, 2.0] ['counted']"


# ---------------------------------------------------------------------- devices


class Placed(dt.Module):
    """A module that makes arrays, holds a constant and has a loop, wherever it is."""

    def __init__(self) -> None:
        super().__init__()
        self.w = dt.Variable([1.0, 2.0], name="w")
        offset = dt.constant([0.5, 0.25])
        self.run = dt.function(
            lambda x: dt.fori_loop(0, 2, lambda i, y: y + offset, x * self.w + dt.ones((x.shape[0], 2)))
        )


@pytest.mark.parametrize(("traced", "loaded"), [("cpu", "xla"), ("xla", "cpu"), ("xla", None)])
def test_a_program_is_put_on_another_device(traced: str, loaded: str | None, tmp_path: Path) -> None:
    with dt.device(traced):
        placed = Placed()
        wanted = placed.run(dt.ones((3, 2))).tolist()
        placed.run.get_concrete_function(dt.TensorSpec([None, 2]))
    export(tmp_path / "placed", placed)
    there = load_program(tmp_path / "placed", device=loaded)
    assert str(there.w.meta.device) == (loaded or traced)
    result = there.run(dt.ones((3, 2), device=loaded or traced))
    assert str(result.device) == (loaded or traced)
    assert result.tolist() == wanted
    if traced != loaded and loaded:
        with pytest.raises(dt.errors.SignatureError):
            there.run(dt.ones((3, 2), device=traced))
