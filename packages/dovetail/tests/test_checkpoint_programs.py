"""`dovetail checkpoint` on exported programs."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import dovetail as dt
from dovetail.__main__ import main


class Affine(dt.Module):
    """A module with a traced method."""

    def __init__(self) -> None:
        super().__init__()
        self.kernel = dt.Variable(np.ones((3, 2), np.float32))

    @dt.function
    def __call__(self, x: dt.Tensor) -> dt.Tensor:
        return x @ self.kernel


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The export of a module, with a file beside it."""
    monkeypatch.chdir(tmp_path)
    affine = Affine()
    affine(dt.constant(np.ones((4, 3), np.float32)))
    dt.checkpointing.export("program", affine, {"serving_default": affine.__call__}, assets={"words.txt": b"a b c"})
    return tmp_path / "program"


def test_inspect_shows_what_a_program_is_called_with(program: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["checkpoint", "inspect", "program"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("program: program\n")
    assert "signature serving_default(x: float32[4,3]) -> float32[4,2]" in out
    assert "file words.txt, 5 B" in out
    assert ["kernel", "float32", "3", "×", "2", "24"] in [line.split() for line in out.splitlines()]
    assert main(["checkpoint", "inspect", "program", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)["program"]
    assert document["signatures"] == {"serving_default": [{"inputs": ["x: float32[4,3]"], "outputs": ["float32[4,2]"]}]}
    assert main(["checkpoint", "ls", "."]) == 0
    assert "unverified, a program" in capsys.readouterr().out


def test_verify_looks_at_all_of_a_program(program: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["checkpoint", "verify", "program"]) == 0
    capsys.readouterr()
    (program / "assets" / "words.txt").write_bytes(b"a b d")
    description = (program / "program.json").read_bytes()
    assert main(["checkpoint", "verify", "program"]) == 1
    assert "assets/words.txt: its SHA-256 is" in capsys.readouterr().out
    (program / "program.json").write_bytes(description.replace(b"serving_default", b"serving_defauIt"))
    (shard,) = (program / "variables").glob("*.safetensors")
    shard.write_bytes(shard.read_bytes()[:-1])
    assert main(["checkpoint", "verify", "program"]) == 1
    out = capsys.readouterr().out
    assert "program.json: its digest differs from the one it states" in out
    assert f"variables/{shard.name}: " in out
    assert "1 tensor there: kernel" in out
    (program / "program.json").write_bytes(description)
    dt.checkpointing.save(program / "variables", {"kernel": np.zeros((3, 2), np.float32)}, overwrite=True)
    assert main(["checkpoint", "verify", "program"]) == 1
    assert "variables/manifest.json: these are the weights of another export" in capsys.readouterr().out


def test_diff_compares_the_variables_of_programs(program: Path, capsys: pytest.CaptureFixture[str]) -> None:
    dt.checkpointing.save("weights", {"kernel": np.zeros((3, 2), np.float32)})
    assert main(["checkpoint", "diff", "program", "weights"]) == 1
    assert "1 with other values, 0 the same" in capsys.readouterr().out
