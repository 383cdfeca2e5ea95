"""What a verification tells, also of several files that are read side by side."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest

from dovetail_checkpointing import restore, save, verify
from dovetail_protocols.errors import CheckpointCorruptError

TREE = {"model": [np.arange(1000, dtype=np.float32) + number for number in range(6)]}


@pytest.fixture
def six_files(tmp_path: Path) -> Path:
    save(tmp_path / "c", TREE, shard_bytes=1)
    assert len(list((tmp_path / "c").glob("*.safetensors"))) == 6
    return tmp_path / "c"


def damage(path: Path, place: int) -> None:
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)


def test_what_is_wrong_with_each_of_several_files_is_told_in_their_order(six_files: Path) -> None:
    files = sorted(six_files.glob("*.safetensors"))
    damage(files[4], -1)
    damage(files[1], 50)
    files[2].unlink()
    found = verify(six_files).damages
    assert [(one.file, one.tensors) for one in found] == [
        (files[1].name, ("model/1",)),
        (files[2].name, ("model/2",)),
        (files[4].name, ("model/4",)),
    ]
    assert "header" in found[0].what
    assert "missing" in found[1].what
    assert "CRC-32" in found[2].what


@pytest.mark.parametrize("level", ["header", "chunks", "full"])
def test_progress_is_told_one_call_at_a_time_until_all_is_read(six_files: Path, level: str) -> None:
    told: list[tuple[int, int]] = []
    inside = threading.Lock()

    def progress(done: int, total: int) -> None:
        assert inside.acquire(blocking=False), "another call is under way"
        told.append((done, total))
        inside.release()

    found = verify(six_files, level, progress=progress)  # type: ignore[arg-type] # one of them
    assert found.is_sound
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    (total,) = {total for _, total in told}
    assert total == sum(file.stat().st_size for file in six_files.glob("*.safetensors"))
    assert told[-1][0] == found.size_bytes == (6 * 4096 if level == "header" else total)


def test_what_goes_wrong_in_progress_reaches_the_caller(six_files: Path) -> None:
    def progress(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        verify(six_files, progress=progress)


def test_a_full_restore_names_the_first_file_that_is_damaged(six_files: Path) -> None:
    files = sorted(six_files.glob("*.safetensors"))
    damage(files[3], -1)
    damage(files[5], -1)
    with pytest.raises(CheckpointCorruptError, match=files[3].name):
        restore(six_files, verify="full")
