"""A training whose checkpoints are looked into, and the command that does."""

from __future__ import annotations

from pathlib import Path

import pytest

import dovetail_checkpointing as checkpointing

from .checkpoint_command import Command, tree


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A training of three steps in the folder "run" of the current folder."""
    monkeypatch.chdir(tmp_path)
    manager = checkpointing.Manager("run")
    for step in (1, 2, 3):
        manager.save(step, tree(step), metrics={"loss": 1 / step})
    return tmp_path / "run"


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Command:
    return Command(capsys)
