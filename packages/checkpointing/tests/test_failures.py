"""Rows of docs/checkpoints/failures.md: what an error says, what its effect is, and what is then on disk."""

from __future__ import annotations

import errno
import logging
import os
import re
import socket
import threading
from pathlib import Path, PurePath
from typing import Any

import numpy as np
import pytest

from dovetail_checkpointing import LocalFileSystem, Manager, latest_checkpoint, restore, save
from dovetail_checkpointing.storage import MemoryFileSystem, local
from dovetail_protocols.errors import (
    CheckpointBusyError,
    CheckpointCorruptError,
    CheckpointDurabilityError,
    CheckpointError,
    CheckpointSpaceError,
)

from .faulty_storage import Faults
from .outcomes import files_in, require_told
from .rewriting import MANIFEST, document_of

DATA = "data-00000-of-00001.safetensors"
TREE = {"a": np.arange(300.0), "b": np.array([True, False])}


# Killed while it saved


class Killed(BaseException):
    """Nobody catches this."""


class Killing(MemoryFileSystem):
    """A process that is killed before the manifest is written, and does nothing afterwards."""

    is_dead = False

    def __getattribute__(self, name: str) -> Any:
        if not name.startswith("_") and name != "is_dead" and self.is_dead:
            raise Killed
        return super().__getattribute__(name)

    def create(self, path: PurePath, size_bytes: int, *, replaces: bool = False) -> Any:
        if path.name == MANIFEST:
            self.is_dead = True
            raise Killed
        return super().create(path, size_bytes, replaces=replaces)


def test_what_a_killed_save_left_is_removed_and_logged_and_the_step_before_loads(
    caplog: pytest.LogCaptureFixture,
) -> None:
    storage = MemoryFileSystem()
    Manager("run", file_system=storage).save(1, {"x": np.ones(1000)})
    dying = Killing()
    dying.__dict__.update(vars(storage))  # the same memory, seen by the process that will be killed
    with pytest.raises(Killed):
        Manager("run", file_system=dying).save(2, {"x": np.zeros(1000)})
    storage.forget_locks()
    assert any(name.startswith(".tmp-step-000000000002-") for name in storage.list_folder(PurePath("run")))
    with caplog.at_level(logging.WARNING, "dovetail.checkpointing"):
        manager = Manager("run", file_system=storage)
    assert re.search(r"run: removed an unfinished save of step-000000000002, 12,096 bytes", caplog.text)
    restored = manager.restore_latest()
    assert restored is not None
    assert restored.tree["x"].all()
    assert not any(name.startswith(".tmp") for name in storage.list_folder(PurePath("run")))


# The newest is damaged


def test_a_damaged_newest_step_is_told_with_file_tensor_bytes_and_the_step_that_is_sound(
    tmp_path: Path,
) -> None:
    manager = Manager(tmp_path)
    for step in (1100, 1200):
        manager.save(step, {"model": {"kernel": np.full(1000, step), "bias": np.zeros(3)}})
    file = tmp_path / "step-000000001200" / "model-00000-of-00001.safetensors"
    damaged = bytearray(file.read_bytes())
    damaged[4096 + 77] ^= 1
    file.write_bytes(damaged)
    before = files_in(tmp_path)
    with pytest.raises(CheckpointCorruptError) as caught:
        manager.restore_latest()
    checksums = document_of(file.parent)["files"][0]["chunk_crc32"]
    require_told(
        caught.value,
        *(file.name, "model/kernel", "bytes 4,096 to 12,120", f"expected {checksums[0]}"),
        *("effect: nothing was restored", "step 1100 verifies", "fallback=True"),
    )
    assert re.search("CRC-32 [0-9a-f]{8}", str(caught.value))
    assert files_in(tmp_path) == before


# A file is missing, or has another size


@pytest.mark.parametrize("change", ["missing", "short", "long"])
def test_a_file_that_is_missing_short_or_long_is_refused_with_its_sizes(tmp_path: Path, change: str) -> None:
    save(tmp_path / "c", {"a": np.zeros(131_000)})
    file = tmp_path / "c" / DATA
    size = file.stat().st_size
    if change == "missing":
        file.unlink()
        told = "it is missing"
    else:
        os.truncate(file, 524_288 if change == "short" else size + 1)
        told = "524,288 of 1,052,096 bytes" if change == "short" else "1,052,097 of 1,052,096 bytes"
    target = {"a": np.ones(131_000)}
    with pytest.raises(CheckpointCorruptError) as caught:
        restore(tmp_path / "c", target)
    require_told(caught.value, f"{file}", told, "effect: nothing was restored")
    assert target["a"].all()


# The disk is full


class Full(LocalFileSystem):
    """A disk with a little room."""

    def free_bytes(self, path: PurePath) -> int | None:
        return 1_500_000


def test_too_little_room_is_found_before_anything_is_written(tmp_path: Path) -> None:
    save(tmp_path / "old", TREE)
    before = files_in(tmp_path)
    with pytest.raises(CheckpointSpaceError) as caught:
        save(tmp_path / "c", {"a": np.zeros(100_000)}, file_system=Full())
    require_told(
        caught.value,
        *("expected: 1,852,672 bytes free", "got: 1,500,000 bytes free"),
        f"{tmp_path / 'c'}, on what is mounted at {LocalFileSystem().mount(tmp_path)}",
        *("earlier checkpoints are untouched", "dovetail checkpoint gc", "--dry-run"),
    )
    assert files_in(tmp_path) == before
    assert sorted(child.name for child in tmp_path.iterdir()) == ["old"]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT], ids=errno.errorcode.get)
def test_a_disk_that_becomes_full_meanwhile_is_told_with_needed_and_free_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    save(tmp_path / "old", TREE)
    before = files_in(tmp_path)

    whole = os.write

    def write(descriptor: int, data: Any) -> int:
        if len(data) > 1000:  # not what says who holds the lock
            raise OSError(number, os.strerror(number))
        return whole(descriptor, data)

    monkeypatch.setattr(local.os, "write", write)
    with pytest.raises(CheckpointSpaceError) as caught:
        save(tmp_path / "c", TREE)
    monkeypatch.undo()
    require_told(caught.value, os.strerror(number), "expected: 1,055,074 bytes free", "got: ", "mounted at")
    require_told(caught.value, "earlier checkpoints are untouched")
    assert files_in(tmp_path) == before
    assert sorted(child.name for child in tmp_path.iterdir()) == ["old"]
    save(tmp_path / "c", TREE)  # the lock is free


# A sync fails


def test_a_sync_that_fails_gives_the_save_up_without_trying_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(tmp_path / "old", TREE)
    before = files_in(tmp_path)
    synced = []

    def fsync(descriptor: int) -> None:
        name = os.readlink(f"/proc/self/fd/{descriptor}") if os.path.exists("/proc/self/fd") else str(descriptor)
        synced.append(name)
        if DATA in name or not name.startswith("/"):
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(local.os, "fsync", fsync)
    with pytest.raises(CheckpointDurabilityError) as caught:
        save(tmp_path / "c", TREE)
    monkeypatch.undo()
    require_told(
        caught.value,
        *("did not confirm that a checkpoint is durable", "the device is failing", os.strerror(errno.EIO)),
        *("nothing was saved", "do not retry there"),
    )
    assert len(synced) == len(set(synced)) or not os.path.exists("/proc/self/fd")
    assert files_in(tmp_path) == before
    assert sorted(child.name for child in tmp_path.iterdir()) == ["old"]
    save(tmp_path / "c", TREE)  # the lock is free


def test_where_the_last_sync_fails_the_error_says_that_the_checkpoint_is_in_place_and_may_be_lost() -> None:
    counting = Faults()
    save("run/c", TREE, file_system=counting.storage())
    last = max(place for place, call in enumerate(counting.calls) if call == "sync_folder run")
    storage = MemoryFileSystem()
    with pytest.raises(CheckpointDurabilityError) as caught:
        save("run/c", TREE, file_system=Faults(last).storage(storage))
    require_told(caught.value, "is in place, but may not survive a power cut", "nothing older was removed")
    assert (restore("run/c", file_system=storage).tree["a"] == TREE["a"]).all()


# A second writer


def test_a_second_writer_is_told_process_host_and_since_when(tmp_path: Path) -> None:
    entered, left = threading.Event(), threading.Event()

    class Waiting(LocalFileSystem):
        def rename(self, source: PurePath, target: PurePath) -> None:
            entered.set()
            left.wait()
            super().rename(source, target)

    first = threading.Thread(target=lambda: save(tmp_path / "c", TREE, file_system=Waiting()))
    first.start()
    entered.wait()
    before = files_in(tmp_path)
    try:
        with pytest.raises(CheckpointBusyError) as caught:
            save(tmp_path / "c", TREE)
        assert files_in(tmp_path) == before
    finally:
        left.set()
        first.join()
    require_told(caught.value, f"process {os.getpid()} on {socket.gethostname()[:64]}, since 20", "nothing was written")
    assert (restore(tmp_path / "c").tree["a"] == TREE["a"]).all()
    assert sorted(child.name for child in tmp_path.iterdir()) == ["c"]


# NaN and infinities


def test_nan_and_infinities_are_saved_to_the_bit_and_named_on_request(tmp_path: Path) -> None:
    payloads = np.array([0x7FF8000000000001, 0xFFF8DEADBEEF0001, 0x7FF0000000000000, 0x8000000000000000], np.uint64)
    tree = {"odd": payloads.view(np.float64), "fine": np.ones(3), "whole": np.arange(3)}
    assert save(tmp_path / "unasked", tree).nonfinite is None
    receipt = save(tmp_path / "c", tree, find_nonfinite=True)
    assert receipt.nonfinite == ("odd",)
    assert (restore(tmp_path / "c").tree["odd"].view(np.uint64) == payloads).all()


# A Manager in a forked process


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # of threads of whoever runs the tests
@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
@pytest.mark.filterwarnings("ignore:os.fork:RuntimeWarning")  # of JAX, which other tests may have loaded
def test_a_manager_refuses_to_save_in_a_forked_process(tmp_path: Path) -> None:
    manager = Manager(tmp_path)
    manager.save(1, TREE)
    reading, writing = os.pipe()
    parent = os.getpid()
    child = os.fork()
    if child == 0:  # pragma: no cover - another process
        try:
            manager.save(2, TREE)
            text = "saved"
        except CheckpointError as error:
            text = str(error)
        os.write(writing, text.encode())
        os._exit(0)
    os.close(writing)
    told = os.read(reading, 4096).decode()
    os.close(reading)
    assert os.waitpid(child, 0)[1] == 0
    for part in (f"process {child}, a fork of {parent}", "nothing was saved", "a Manager of its own"):
        assert part in told
    assert manager.steps == (1,)
    assert latest_checkpoint(tmp_path) == tmp_path / "step-000000000001"
