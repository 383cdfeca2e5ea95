"""Checkpoints where nothing can be renamed: the manifest, created last, makes them."""

from __future__ import annotations

import uuid
from pathlib import PurePath
from typing import Any

import numpy as np
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from dovetail_checkpointing import (
    Manager,
    Shard,
    latest_checkpoint,
    open,
    restore,
    run_threads,
    save,
    save_sharded,
    verify,
)
from dovetail_checkpointing.storage import ObjectStore, object_store
from dovetail_protocols.errors import (
    CheckpointBusyError,
    CheckpointCorruptError,
    CheckpointDurabilityError,
    CheckpointError,
)

TREE = {"model": {"kernel": np.arange(12.0).reshape(3, 4), "bias": np.ones(4, np.float32)}, "step": 7}
OTHER = {"model": {"kernel": np.zeros((3, 4)), "bias": np.zeros(4, np.float32)}, "step": 8}


@pytest.fixture
def root() -> str:
    return f"memory://{uuid.uuid4().hex}"


def names(url: str) -> list[str]:
    return sorted(name.rpartition("/")[2] for name in MemoryFileSystem().find(url.removeprefix("memory://")))


def test_a_tree_comes_back_by_its_url(root: str) -> None:
    receipt = save(f"{root}/c", TREE)
    assert receipt.path == f"{root}/c".replace("://", ":///")
    restored = restore(receipt.path, expected_digest=receipt.digest).tree
    np.testing.assert_array_equal(restored["model"]["kernel"], TREE["model"]["kernel"])
    assert restored["step"] == 7
    with open(f"{root}/c") as reader:
        np.testing.assert_array_equal(reader.read("model/kernel", (slice(1, 3), 2)), [6.0, 10.0])
    assert verify(f"{root}/c").is_sound


def test_large_files_are_streamed(root: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(object_store, "_AT_ONCE_BYTES", 1 << 20)
    values = np.random.default_rng(0).normal(size=3_000_000)
    save(f"{root}/c", {"x": values})
    np.testing.assert_array_equal(restore(f"{root}/c").tree["x"], values)


def test_a_manager_keeps_and_finds_the_latest(root: str) -> None:
    manager = Manager(f"{root}/run", max_to_keep=2)
    for step in (1, 2, 3):
        manager.save(step, {"x": step})
    assert manager.steps == (2, 3)
    assert manager.latest() == latest_checkpoint(f"{root}/run")
    assert str(manager.latest()).endswith("/run/step-000000000003")
    assert restore(manager.latest()).tree == {"x": 3}


class Stopping(ObjectStore):
    """Storage that fails when the n-th file is handed over; the file may have been taken all the same."""

    def __init__(self, fatal: int, *, is_taken: bool = False) -> None:
        super().__init__(MemoryFileSystem())
        self.left, self.is_taken = fatal, is_taken

    def create(self, path: PurePath, size_bytes: int, *, replaces: bool = False) -> Any:
        file = super().create(path, size_bytes, replaces=replaces)
        complete = file.sync

        def sync() -> None:
            self.left -= 1
            if self.left == 0:
                if self.is_taken:
                    complete()
                raise OSError(5, "Input/output error")
            complete()

        file.sync = sync
        return file


@pytest.mark.parametrize("replaces", [False, True])
def test_data_that_is_not_taken_leaves_what_was_there_and_no_debris(root: str, replaces: bool) -> None:
    if replaces:
        save(f"{root}/c", TREE)
    before = names(f"{root}/c") if replaces else []
    path = f"{root}/c".removeprefix("memory://")
    with pytest.raises(CheckpointDurabilityError, match="nothing was saved"):
        save(path, OTHER, overwrite=replaces, file_system=Stopping(1))
    assert (names(f"{root}/c") if MemoryFileSystem().exists(path) else []) == before
    if replaces:
        assert restore(f"{root}/c").tree["step"] == 7


def test_a_manifest_whose_answer_is_lost_keeps_its_data(root: str) -> None:
    """It may have been taken all the same: without its data it would be a torn checkpoint."""
    path = f"{root}/c".removeprefix("memory://")
    with pytest.raises(CheckpointDurabilityError, match="whether the new checkpoint is in place is not known"):
        save(path, OTHER, file_system=Stopping(2, is_taken=True))
    assert restore(f"{root}/c").tree["step"] == 8


def test_a_replaced_checkpoint_leaves_nothing_behind(root: str) -> None:
    save(f"{root}/c", TREE)
    first = names(f"{root}/c")
    save(f"{root}/c", OTHER, overwrite=True)
    assert len(names(f"{root}/c")) == len(first) == 2
    assert names(f"{root}/c") != first
    assert restore(f"{root}/c").tree["step"] == 8


def test_of_two_saves_at_once_the_second_manifest_is_refused(root: str) -> None:
    class Late(ObjectStore):
        def create(self, path: PurePath, size_bytes: int, *, replaces: bool = False) -> Any:
            file = super().create(path, size_bytes, replaces=replaces)
            if path.name == "manifest.json":
                save(f"{root}/c", TREE)
            return file

    with pytest.raises(CheckpointBusyError, match="saved there meanwhile"):
        save(f"{root}/c".removeprefix("memory://"), OTHER, file_system=Late(MemoryFileSystem()))
    assert restore(f"{root}/c").tree["step"] == 7
    assert len(names(f"{root}/c")) == 2


def test_what_a_killed_save_left_is_no_checkpoint_and_is_collected_on_request(root: str) -> None:
    manager = Manager(f"{root}/run")
    manager.save(1, {"x": np.ones(3)})
    manager.save(2, {"x": np.ones(3)})
    path = f"{root}/run/step-000000000002".removeprefix("memory://")
    MemoryFileSystem().rm_file(f"{path}/manifest.json")
    assert str(manager.latest()).endswith("step-000000000001")
    fresh = Manager(f"{root}/run")
    assert [leftover.name for leftover in fresh.gc(dry_run=True)] == ["step-000000000002"]
    assert fresh.steps == (1, 2)
    fresh.gc()
    assert fresh.steps == (1,)


def test_damage_is_found(root: str) -> None:
    save(f"{root}/c", TREE)
    remote, path = MemoryFileSystem(), f"{root}/c".removeprefix("memory://")
    data = next(name for name in remote.find(path) if name.endswith(".safetensors"))
    damaged = bytearray(remote.cat_file(data))
    damaged[-1] ^= 1
    remote.pipe_file(data, bytes(damaged))
    with pytest.raises(CheckpointCorruptError, match="CRC-32"):
        restore(f"{root}/c")


def test_a_scheme_that_nobody_knows_says_what_to_install() -> None:
    with pytest.raises(CheckpointError, match=r"dovetail-checkpointing\[remote\]"):
        save("nowhere://bucket/c", TREE)


def test_ranks_save_together_and_replace_what_was_there(root: str) -> None:
    for value in (1.0, 2.0):

        def run(ranks: Any, value: float = value) -> Any:
            part = Shard(np.full((2, 3), value), (2 * ranks.rank, 0), (6, 3))
            return save_sharded(f"{root}/c", {"w": part}, communicator=ranks, overwrite=True)

        assert not [result for result in run_threads(3, run) if isinstance(result, BaseException)]
        assert np.array_equal(restore(f"{root}/c").tree["w"], np.full((6, 3), value))
        assert len(names(f"{root}/c")) == 4
    assert verify(f"{root}/c").is_sound


def test_rank_that_fails_leaves_nothing_of_the_others(root: str, monkeypatch: pytest.MonkeyPatch) -> None:
    create = ObjectStore.create

    def failing(store: ObjectStore, path: PurePath, *arguments: Any, **keywords: Any) -> Any:
        if "rank-00001" in path.name:
            raise OSError(5, "Input/output error")
        return create(store, path, *arguments, **keywords)

    monkeypatch.setattr(ObjectStore, "create", failing)
    results = run_threads(
        3, lambda ranks: save_sharded(f"{root}/c", {str(ranks.rank): Shard(np.ones(2))}, communicator=ranks)
    )
    assert {str(result.where) for result in results if isinstance(result, CheckpointError)} == {
        f"rank 1: {root}/c".replace("://", ":///")
    }
    assert names(f"{root}/c") == []
