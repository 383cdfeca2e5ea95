"""Manager: the newest checkpoints of a training."""

from __future__ import annotations

from pathlib import Path, PurePath

import pytest

from dovetail_checkpointing import LocalFileSystem, Manager
from dovetail_protocols.errors import AttributeValueError, CheckpointError


def test_the_newest_are_kept_and_the_latest_is_restored(tmp_path: Path) -> None:
    manager = Manager(tmp_path / "run", max_to_keep=2)
    assert (manager.latest(), manager.steps, manager.restore_latest({"x": 0})) == (None, (), None)
    for step in (8, 9, 10, 11):
        manager.save(step, {"x": step})
    assert manager.steps == (10, 11)
    assert manager.latest() == tmp_path / "run" / "step-000000000011"
    restored = manager.restore_latest({"x": 0})
    assert restored is not None
    assert (restored.tree, restored.report.step) == ({"x": 11}, 11)
    assert sorted(child.name for child in (tmp_path / "run").iterdir()) == [
        ".lock",
        "step-000000000010",
        "step-000000000011",
    ]


def test_none_keeps_all(tmp_path: Path) -> None:
    manager = Manager(tmp_path, max_to_keep=None)
    for step in range(7):
        manager.save(step, {})
    assert manager.steps == tuple(range(7))


def test_what_was_just_saved_is_kept_even_if_its_step_is_low(tmp_path: Path) -> None:
    manager = Manager(tmp_path, max_to_keep=1)
    manager.save(9, {"x": 9})
    manager.save(3, {"x": 3})
    assert manager.steps == (3, 9)


def test_options_of_restore_are_passed_on(tmp_path: Path) -> None:
    manager = Manager(tmp_path)
    manager.save(1, {"x": 1})
    restored = manager.restore_latest({"x": 0, "y": 5}, missing="keep")
    assert restored is not None
    assert restored.tree == {"x": 1, "y": 5}


def test_a_failed_save_removes_nothing(tmp_path: Path) -> None:
    manager = Manager(tmp_path, max_to_keep=1)
    manager.save(1, {"x": 1})
    with pytest.raises(CheckpointError, match="exists already"):
        manager.save(1, {"x": 2})
    assert manager.steps == (1,)


def test_a_removal_that_fails_says_what_is_safe(tmp_path: Path) -> None:
    class Stubborn(LocalFileSystem):
        def rename(self, source: PurePath, target: PurePath) -> None:
            if target.name.startswith(".trash"):
                raise PermissionError(1, "Operation not permitted")
            super().rename(source, target)

    manager = Manager(tmp_path, max_to_keep=1, file_system=Stubborn())
    manager.save(1, {})
    with pytest.raises(CheckpointError, match="could not be removed") as caught:
        manager.save(2, {})
    assert "the new checkpoint is saved" in str(caught.value)
    assert manager.steps == (1, 2)


def test_at_least_one_is_kept(tmp_path: Path) -> None:
    with pytest.raises(AttributeValueError, match="at least one"):
        Manager(tmp_path, max_to_keep=0)


class Unlisted(LocalFileSystem):
    """Storage whose folders can't be listed."""

    def list_folder(self, path: PurePath) -> list[str]:
        raise OSError(5, "Input/output error")


def test_folder_that_cannot_be_listed_is_said_and_not_taken_for_an_empty_one(tmp_path: Path) -> None:
    Manager(tmp_path).save(1, {"x": 1})
    with pytest.raises(CheckpointError, match="can't be listed"):
        Manager(tmp_path, file_system=Unlisted()).restore_latest({"x": 0})
