"""`dovetail checkpoint` called from tests, and what it is called on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dovetail.__main__ import main

SHARD = "model-00000-of-00001.safetensors"


def tree(step: int) -> dict[str, Any]:
    """What is saved at a step: two tensors, one of them tied, and two scalars."""
    shared = np.full((4, 3), step, np.float32)
    return {"model": {"embedding": shared, "layers": [{"bias": np.zeros(3)}], "head": shared}, "rate": 0.1, "n": step}


class Command:
    """Runs the command line, and has what it printed."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        self.err = ""

    def __call__(self, *arguments: str, status: int = 0) -> str:
        got = main(["checkpoint", *arguments])
        out, self.err = self._capsys.readouterr()
        assert got == status, out + self.err
        return out

    def json(self, *arguments: str, status: int = 0) -> Any:
        """The document that a subcommand prints with --json."""
        document = json.loads(self(*arguments, "--json", status=status), parse_constant=pytest.fail)
        assert document["format"] == f"dovetail.checkpoint-{arguments[0]}"
        return document


def damage(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)


def step_path(run: Path, step: int) -> Path:
    return run / f"step-{step:012}"
