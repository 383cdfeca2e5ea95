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
