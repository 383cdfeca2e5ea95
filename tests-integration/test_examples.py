"""The programs of examples/ run. (That the digits are read at 98 % is the demo's business: nox -s demo.)"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"


def run(name: str, *options: str, **variables: str) -> str:
    command = [sys.executable, "-W", "error", str(EXAMPLES / name), *options]
    done = subprocess.run(command, env=os.environ | variables, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_simple_module_of_the_guide_gives_30_and_lists_its_variables_in_order() -> None:
    first, trainable, every = run("simple_module.py").splitlines()[:3]
    assert first.startswith("Tensor(30.")
    assert "train_me" in trainable
    assert "do_not_train_me" not in trainable
    assert 0 < every.index("train_me") < every.index("do_not_train_me")


def test_the_language_model_trains_writes_and_is_exported(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    out = run("language_model.py", "--steps", "3", "--sample", "12", "--seed", "4", "--export", str(folder))
    assert "loss" in out
    assert sorted(file.name for file in folder.iterdir()) == ["assets", "program.json", "variables"]
    assert run("language_model.py", "--steps", "3", "--sample", "12", "--seed", "4").splitlines()[-1] in out, "seeded"


def test_the_differential_equation_is_solved_and_drawn(tmp_path: Path) -> None:
    picture = tmp_path / "physics.png"
    out = run("physics.py", "--steps", "3", "--output", str(picture))
    assert "step     3: mean squared residual" in out
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_examples_run_unchanged_on_another_device(tmp_path: Path) -> None:
    assert "device=xla" in run("simple_module.py", DOVETAIL_DEVICE="xla")
    out = run("physics.py", "--steps", "1", "--output", str(tmp_path / "physics.png"), DOVETAIL_DEVICE="xla")
    assert "step     1: mean squared residual" in out


@pytest.mark.parametrize("name", ["digits.py", "language_model.py", "physics.py"])
def test_every_option_is_explained(name: str) -> None:
    assert "--seed" in run(name, "--help")
