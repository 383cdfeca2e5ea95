"""The lock of a checkpoint under way: one holder, who is named, and nobody after it has died."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path, PurePath

import numpy as np
import pytest

from dovetail_checkpointing import LocalFileSystem, Manager, save
from dovetail_checkpointing.collecting import collect
from dovetail_checkpointing.storage import Place
from dovetail_checkpointing.storage.locking import FileLock
from dovetail_protocols.errors import CheckpointBusyError

HOLD = """
import sys, time
from pathlib import Path, PurePath
from dovetail_checkpointing.storage.locking import FileLock
lock = FileLock(Path(sys.argv[1]), keep=False)
print("held", flush=True)
sys.stdin.read()
lock.release()
"""


def holder(path: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_second_writer_is_refused_at_once_and_told_who_writes(tmp_path: Path) -> None:
    with holder(tmp_path / ".c.lock") as process:
        with pytest.raises(CheckpointBusyError, match="somebody else is writing there") as caught:
            save(tmp_path / "c", {"x": np.ones(3)})
        assert f"process {process.pid} on {socket.gethostname()}, since 20" in str(caught.value)
        save(tmp_path / "d", {"x": np.ones(3)})  # another checkpoint in the same folder is nobody's business
        process.communicate("")
    assert sorted(child.name for child in tmp_path.iterdir()) == ["d"]
    save(tmp_path / "c", {"x": np.ones(3)})


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL is POSIX's")
def test_the_lock_of_a_killed_process_stops_nobody(tmp_path: Path) -> None:
    with holder(tmp_path / ".c.lock") as process:
        process.send_signal(signal.SIGKILL)
    assert (tmp_path / ".c.lock").exists()
    save(tmp_path / "c", {"x": np.ones(3)})
    assert [child.name for child in tmp_path.iterdir()] == ["c"]


def test_a_manager_refuses_a_second_one_while_it_saves(tmp_path: Path) -> None:
    with holder(tmp_path / ".lock") as process:
        with pytest.raises(CheckpointBusyError):
            Manager(tmp_path).save(1, {"x": 1})
        process.communicate("")
    Manager(tmp_path).save(1, {"x": 1})


def test_what_somebody_is_writing_is_not_collected(tmp_path: Path) -> None:
    (tmp_path / ".tmp-step-3-0011223344556677").mkdir()
    with holder(tmp_path / ".step-3.lock") as process:
        assert Manager(tmp_path).gc() == []
        process.communicate("")
    (tmp_path / ".tmp-step-3-0011223344556677" / "part").write_bytes(b"12345")
    Manager(tmp_path)  # which collects
    assert not (tmp_path / ".tmp-step-3-0011223344556677").exists()


def test_waiting_threads_get_the_lock_one_after_the_other(tmp_path: Path) -> None:
    """A lock file that is removed on release must not let two in."""
    inside, most, refused, taken = 0, 0, 0, 0
    guard = threading.Lock()

    def work() -> None:
        nonlocal inside, most, refused, taken
        for _ in range(200):
            try:
                lock = FileLock(tmp_path / "lock", keep=False)
            except CheckpointBusyError:
                with guard:
                    refused += 1
                continue
            with guard:
                inside += 1
                most = max(most, inside)
                taken += 1
            with guard:
                inside -= 1
            lock.release()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1
    assert taken + refused == 1600
    assert taken > 0


def test_what_a_killed_conversion_left_is_collected_and_one_under_way_is_not(tmp_path: Path) -> None:
    from dovetail_checkpointing.interchange import isolated

    with isolated._folder(tmp_path / "weights.pt") as folder:
        (folder / "0").write_bytes(b"12345")
        assert Manager(tmp_path).gc() == []
        left = folder.rename(folder.with_name(folder.name.replace("converting", "killed")))
    assert left.exists()
    Manager(tmp_path)  # which collects
    assert list(tmp_path.iterdir()) == []


def test_of_two_who_collect_at_once_neither_fails(tmp_path: Path) -> None:
    (tmp_path / ".tmp-step-3-0011223344556677").mkdir()

    class Slow(LocalFileSystem):
        def lock(self, path: PurePath, *, keep: bool) -> FileLock:
            Manager(tmp_path).gc()  # the other was quicker
            return super().lock(path, keep=keep)

    assert collect(Place(Slow(), tmp_path)) == []
    assert list(tmp_path.iterdir()) == []
