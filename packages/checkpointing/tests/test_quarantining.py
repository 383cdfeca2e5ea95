"""Quarantine: one durable rename, to a name that is no step."""

from __future__ import annotations

import os
from pathlib import Path, PurePath

import pytest

from dovetail_checkpointing import LocalFileSystem, Manager, latest_checkpoint, quarantine, verify
from dovetail_protocols.errors import (
    CheckpointBusyError,
    CheckpointDurabilityError,
    CheckpointError,
    CheckpointUnsafeError,
)


def saved(root: Path, *steps: int) -> Manager:
    manager = Manager(root, max_to_keep=2)
    for step in steps:
        manager.save(step, {"n": step})
    return manager


def test_the_latest_step_is_then_an_older_one_and_no_retention_removes_what_was_moved(tmp_path: Path) -> None:
    manager = saved(tmp_path, 1, 2)
    moved = Path(quarantine(tmp_path / "step-000000000002"))
    assert moved.parent == tmp_path
    assert moved.name.startswith("quarantine-step-000000000002-")
    assert latest_checkpoint(tmp_path) == tmp_path / "step-000000000001"
    assert manager.steps == (1,)
    for step in (3, 4, 5):
        manager.save(step, {"n": step})
    assert manager.steps == (4, 5)
    assert verify(moved).is_sound
    assert manager.gc() == []
    assert moved.is_dir()


def test_what_is_in_it_does_not_matter(tmp_path: Path) -> None:
    saved(tmp_path, 1)
    (tmp_path / "step-000000000001" / "manifest.json").unlink()
    assert not (tmp_path / "step-000000000001").exists() or Path(quarantine(tmp_path / "step-000000000001")).is_dir()
    assert not (tmp_path / "step-000000000001").exists()


def test_the_rename_is_made_durable(tmp_path: Path) -> None:
    saved(tmp_path, 1)
    calls: list[str] = []

    class Recording(LocalFileSystem):
        def rename(self, source: PurePath, target: PurePath) -> None:
            calls.append("rename")
            super().rename(source, target)

        def sync_folder(self, path: PurePath) -> None:
            calls.append(f"sync {path}")
            super().sync_folder(path)

    quarantine(tmp_path / "step-000000000001", file_system=Recording())
    assert calls == ["rename", f"sync {tmp_path}"]


def test_a_sync_that_fails_says_that_the_move_may_be_lost(tmp_path: Path) -> None:
    saved(tmp_path, 1)

    class Failing(LocalFileSystem):
        def sync_folder(self, path: PurePath) -> None:
            raise OSError(5, "Input/output error")

    with pytest.raises(CheckpointDurabilityError, match="may have its old name again"):
        quarantine(tmp_path / "step-000000000001", file_system=Failing())


def test_nothing_is_moved_while_somebody_writes_there(tmp_path: Path) -> None:
    saved(tmp_path, 1)
    lock = LocalFileSystem().lock(tmp_path / ".step-000000000001.lock", keep=False)
    with pytest.raises(CheckpointBusyError, match=f"process {os.getpid()}"):
        quarantine(tmp_path / "step-000000000001")
    lock.release()
    assert Manager(tmp_path).steps == (1,)


def test_links_and_paths_without_a_folder_are_refused(tmp_path: Path) -> None:
    saved(tmp_path, 1)
    (tmp_path / "step-7").symlink_to(tmp_path / "step-000000000001")
    with pytest.raises(CheckpointUnsafeError, match="a link"):
        quarantine(tmp_path / "step-7")
    with pytest.raises(CheckpointError, match="FileNotFoundError"):
        quarantine(tmp_path / "nowhere")
    (tmp_path / "file").write_text("x")
    with pytest.raises(CheckpointError, match="NotADirectoryError"):
        quarantine(tmp_path / "file")
    assert sorted(child.name for child in tmp_path.iterdir()) == [".lock", "file", "step-000000000001", "step-7"]
