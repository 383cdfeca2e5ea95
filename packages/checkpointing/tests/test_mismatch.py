"""A checkpoint that doesn't fit is refused whole, with every difference; nothing is changed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dovetail_checkpointing import restore, save
from dovetail_protocols.errors import CheckpointError, CheckpointMismatchError


@pytest.fixture
def saved(tmp_path: Path, variable: Any) -> Path:
    tree = {"kernel": variable(np.ones((2, 3))), "bias": variable(np.ones(3, np.float32)), "old": variable([1.0])}
    save(tmp_path / "c", tree)
    return tmp_path / "c"


def test_every_difference_is_listed_and_nothing_changed(saved: Path, variable: Any) -> None:
    target = {"kernel": variable(np.zeros((2, 4))), "bias": variable(np.zeros(3)), "olds": variable([0.0])}
    with pytest.raises(CheckpointMismatchError, match="5 differences") as caught:
        restore(saved, {**target, "new": variable([0.0])})
    message = str(caught.value)
    for part in (
        "kernel: the checkpoint has float64[2,3], the target float64[2,4]",
        "bias: the checkpoint has float32[3], the target float64[3]",
        "olds: not in the checkpoint; it has old",
        "or pass rename={'olds': 'old'}, missing=\"keep\", only=lambda name: name not in ['kernel'], cast=\"allow\"",
        "new: not in the checkpoint",
        "old: in the checkpoint, but not in the target",
        "effect: nothing was changed",
    ):
        assert part in message
    assert all(not cell.payload.any() for cell in target.values())


def test_rename_only_missing_and_unexpected_restore_what_they_say(saved: Path, variable: Any) -> None:
    target = {"weight": variable(np.zeros((2, 3))), "bias": variable(np.zeros(3, np.float32)), "old": variable([0.0])}
    restore(saved, target, rename={"weight": "kernel"}, only=lambda path: path in ("weight", "old"))
    assert target["weight"].payload.all()
    assert target["old"].payload.all()
    assert not target["bias"].payload.any()
    fresh = {"kernel": variable(np.zeros((2, 3))), "new": variable([5.0])}
    report = restore(saved, fresh, missing="keep", unexpected="ignore").report
    assert fresh["kernel"].payload.all()
    assert fresh["new"].payload.tolist() == [5.0]
    assert (report.missing, report.unexpected) == (("new",), ("bias", "old"))


def test_where_there_is_no_checkpoint_the_error_says_so(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="there is no checkpoint"):
        restore(tmp_path / "nowhere", {})


class Unbuilt:
    """An object that makes its variables later."""

    def checkpoint_state(self) -> dict[str, Any]:
        return {}

    def load_checkpoint_state(self, scalars: Any) -> None:
        raise AssertionError("it has none")


def test_variables_that_are_made_later_are_thought_of(saved: Path, variable: Any) -> None:
    with pytest.raises(CheckpointMismatchError, match=r"not made yet, use them once, or let values wait: with bind"):
        restore(saved, Unbuilt())
    with pytest.raises(CheckpointMismatchError) as caught:
        restore(saved, {"kernel": variable(np.zeros((2, 3)))})
    assert "bind" not in str(caught.value)


def test_an_array_for_a_scalar_is_told_as_that(tmp_path: Path) -> None:
    save(tmp_path / "c", {"rate": np.ones(1)})
    with pytest.raises(CheckpointMismatchError, match="rate: not in the checkpoint; it has something else there"):
        restore(tmp_path / "c", {"rate": 1.0})


def test_folder_of_steps_or_of_a_program_is_told_from_none(tmp_path: Path) -> None:
    for step in (9, 10):
        save(tmp_path / f"step-{step:012}", {"x": 1})
    with pytest.raises(CheckpointError, match=r"name one of its steps, such as .*step-000000000010, or take Manager"):
        restore(tmp_path)
    (tmp_path / "program").mkdir()
    (tmp_path / "program" / "program.json").touch()
    with pytest.raises(CheckpointError, match=r"exported program: load_program; its weights are .*variables"):
        restore(tmp_path / "program")
