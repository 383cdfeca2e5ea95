"""A training stopped by SIGKILL, at any moment, and resumed is the training that was never stopped, to the bit."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from safetensors.numpy import load_file

from crash.experiments.training import kill_repeatedly
from crash.results import Result

EXAMPLES = Path(__file__).parents[1] / "examples"
EPOCHS = 3

pytestmark = pytest.mark.skipif(os.name != "posix", reason="SIGKILL is POSIX's")

TRAIN = f"""
import os, signal, sys
from pathlib import Path

sys.path.insert(0, {str(EXAMPLES)!r})
import digits
from dovetail_checkpointing.storage.local import LocalFileSystem, LocalWritableFile

def die(*arguments, **keywords):
    os.kill(os.getpid(), signal.SIGKILL)

def in_the_middle_of_an_epoch():
    complete = digits.batches
    def batches(*arguments):
        for place, batch in enumerate(complete(*arguments)):
            if place == 7:
                die()
            yield batch
    digits.batches = batches

def while_data_is_written():
    original, calls = LocalWritableFile.write, []
    def write(self, data):
        calls.append(data)
        original(self, data if len(calls) == 1 else bytes(data)[:100])  # the header, and a part of the tensors
        if len(calls) > 1:
            die()
    LocalWritableFile.write = write

def before_the_rename():
    LocalFileSystem.rename = die

def after_the_rename():
    original = LocalFileSystem.rename
    def rename(self, *arguments, **keywords):
        original(self, *arguments, **keywords)
        die()
    LocalFileSystem.rename = rename

def never():
    pass

globals()[sys.argv[2]]()
digits.train(Path(sys.argv[1]), epochs={EPOCHS}, seed=7, resume=True)
"""


def train(directory: Path, killed: str) -> subprocess.CompletedProcess[str]:
    """Trains on from where the directory is; the process kills itself at the moment of that name."""
    directory.mkdir(exist_ok=True)
    command = [sys.executable, "-c", TRAIN, str(directory), killed]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def kill_from_outside_after_the_first_checkpoint(directory: Path) -> None:
    """Runs the example as users do, and kills it as soon as it tells of its first epoch."""
    command = [sys.executable, str(EXAMPLES / "digits.py"), "--epochs", str(EPOCHS), "--directory", str(directory)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("epoch   1:"):
                break
        process.kill()
    assert process.returncode == -signal.SIGKILL


def steps(directory: Path) -> list[int]:
    return sorted(int(child.name.removeprefix("step-")) for child in directory.glob("step-*"))


def contents(directory: Path) -> tuple[list[dict[str, str]], dict[str, tuple[str, bytes]]]:
    """The history of the last epoch's checkpoint, floats to the bit, and all its tensors: model, slots, generators."""
    folder = directory / f"step-{EPOCHS:012}"
    scalars = {tuple(path): text for path, _, text in manifest(folder)["scalars"]}
    history = [{name: value.hex() for name, value in epoch.items()} for epoch in json.loads(scalars["history",])]
    tensors = {
        name: (str(array.dtype), array.tobytes())
        for file in folder.glob("*.safetensors")
        for name, array in load_file(file).items()
    }
    return history, tensors


def manifest(folder: Path) -> dict[str, list[list[object]]]:
    return json.loads((folder / "manifest.json").read_text("utf-8"))


def test_killed_and_resumed_training_equals_an_uninterrupted_one_to_the_bit(tmp_path: Path) -> None:
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    done = train(whole, "never")
    assert done.returncode == 0, done.stderr

    kill_from_outside_after_the_first_checkpoint(broken)
    assert 1 in steps(broken)
    for moment, after in (
        ("in_the_middle_of_an_epoch", [1]),
        ("while_data_is_written", [1]),
        ("before_the_rename", [1]),
        ("after_the_rename", [1, 2]),
    ):
        killed = train(broken, moment)
        assert killed.returncode == -signal.SIGKILL, killed.stdout + killed.stderr
        assert steps(broken) == after, moment
    done = train(broken, "never")
    assert done.returncode == 0, done.stderr
    assert "going on after epoch 2" in done.stdout
    assert not [*broken.glob(".tmp-*")], "what killed saves left is removed by the next run"

    expected_history, expected_tensors = contents(whole)
    history, tensors = contents(broken)
    assert len(expected_history) == EPOCHS
    assert history == expected_history
    assert tensors.keys() == expected_tensors.keys()
    assert [name for name in tensors if tensors[name] != expected_tensors[name]] == []
    assert any(name.startswith("optimizer/") for name in tensors)


def test_killed_at_random_moments_it_loses_at_most_the_save_under_way(tmp_path: Path) -> None:
    result = Result("training", "dovetail", "a few kills", seed=1)
    kill_repeatedly(tmp_path, 3, result, epochs=2)
    assert sum(count for what, count in result.counts.items() if what.startswith("killed: ")) == 3
    assert result.misses == {}
