"""Golden checkpoints of releases stay as they were released, and the check that says so finds what changed."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tools import packages
from tools.golden_checkpoints import FOLDER, changed

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="releases are git's tags")


def git(root: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=Somebody", "-c", "user.email=somebody@example.org")
    subprocess.run(["git", "-C", str(root), *identity, *arguments], check=True, capture_output=True)


@pytest.mark.skipif(not (packages.ROOT / ".git").exists(), reason="a source archive has no tags")
def test_no_released_checkpoint_was_changed() -> None:
    assert changed() == []


def test_what_changed_since_its_release_is_told(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    for release in ("0.1.0", "0.2.0"):
        (tmp_path / FOLDER / release).mkdir(parents=True)
        for name in ("kept", "removed", "written anew"):
            (tmp_path / FOLDER / release / name).write_bytes(b"first")
        git(tmp_path, "add", ".")
        git(tmp_path, "commit", "-q", "-m", release)
        git(tmp_path, "tag", f"checkpointing-v{release}")
    git(tmp_path, "tag", "checkpointing-v0.3.0")
    (tmp_path / FOLDER / "0.1.0" / "written anew").write_bytes(b"second")
    (tmp_path / FOLDER / "0.1.0" / "removed").unlink()
    (tmp_path / FOLDER / "0.4.0").mkdir()
    assert changed(tmp_path) == [
        f"checkpointing-v0.1.0: D\t{FOLDER}/0.1.0/removed",
        f"checkpointing-v0.1.0: M\t{FOLDER}/0.1.0/written anew",
        f"checkpointing-v0.3.0 has no {FOLDER}/0.3.0",
    ]
