"""A Manager on each of several ranks: what is saved and kept is the same for all, whatever fails on one."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path, PurePath
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from dovetail_checkpointing import (
    LocalFileSystem,
    Manager,
    MemoryFileSystem,
    ProcessCommunicator,
    Receipt,
    Shard,
    best,
    last,
    restore,
)
from dovetail_protocols.errors import (
    CheckpointError,
    StructureError,
    UninitializedError,
)

from .faulty_storage import Faults
from .rank_groups import WORLD_SIZE, alike, on_ranks, part_of, saved, tree_of

# ---------------------------------------------------------------------- saving


class Removing(LocalFileSystem):
    """Storage that notes which checkpoints are put out of sight."""

    def __init__(self, removed: list[str]) -> None:
        self._removed = removed

    def rename(self, source: PurePath, target: PurePath) -> None:
        if target.name.startswith(".trash"):
            self._removed.append(source.name)
        super().rename(source, target)


@pytest.mark.parametrize("communicator", ["threads", "sockets"])
def test_rules_hold_once_with_the_metrics_of_rank_0(tmp_path: Path, communicator: str) -> None:
    removed: list[list[str]] = [[] for _ in range(WORLD_SIZE)]

    def work(ranks: Any) -> list[Any]:
        keep = [last(2), best("loss")] if ranks.rank == 0 else [last(1)]
        manager = Manager(tmp_path / "run", keep=keep, communicator=ranks, file_system=Removing(removed[ranks.rank]))
        receipts = []
        for step, loss in ((1, 0.9), (2, 0.1), (3, 0.8), (4, 0.7)):
            metrics = {"loss": loss if ranks.rank == 0 else -step}
            receipts.append(manager.save(step, tree_of(step, ranks), metrics=metrics).digest)
        return [receipts, manager.steps, manager.latest()]

    def over_sockets(ranks: Any) -> Any:
        with ProcessCommunicator(tmp_path / "meeting", ranks.rank, WORLD_SIZE, timeout_seconds=30) as own:
            return work(own)

    results = on_ranks(work if communicator == "threads" else over_sockets)
    assert results[1:] == results[:-1]
    assert results[0][1:] == [(2, 3, 4), tmp_path / "run" / "step-000000000004"]
    assert removed == [["step-000000000001"], [], []]
    assert np.array_equal(restore(results[0][2]).tree["w"], np.full((7, 2), 4))


def test_only_rank_0_removes_what_lies_unfinished(tmp_path: Path) -> None:
    """Where storage has no locks, another rank that begins late would take the folder of a save under way."""
    unfinished = tmp_path / ".tmp-step-000000000001-0123456789abcdef"
    unfinished.mkdir()
    for rank in (1, 0):
        assert unfinished.exists()
        Manager(tmp_path, communicator=SimpleNamespace(rank=rank, world_size=2))  # type: ignore[arg-type]  # it is not asked more
    assert not unfinished.exists()


def test_the_latest_is_what_rank_0_finds(tmp_path: Path) -> None:
    saved(tmp_path, (1, 2))

    class Late(LocalFileSystem):
        """Storage that does not show the newest yet."""

        def list_folder(self, path: PurePath) -> list[str]:
            return [name for name in super().list_folder(path) if not name.endswith("2")]

    def work(ranks: Any) -> Any:
        return Manager(tmp_path, communicator=ranks, file_system=Late() if ranks.rank else None).latest()

    assert on_ranks(work) == [tmp_path / "step-000000000002"] * WORLD_SIZE


def test_sharding_says_what_variables_are_parts_of(tmp_path: Path, variable: Any) -> None:
    def work(ranks: Any) -> Receipt:
        part = part_of(np.arange(14.0).reshape(7, 2), ranks)

        def sharding(name: str, value: Any) -> Shard:
            return Shard(value, part.starts, part.shape)

        manager = Manager(tmp_path, communicator=ranks)
        return manager.save(1, {"w": variable(part.value)}, sharding=sharding, shard_bytes=8)

    receipt = alike(on_ranks(work))
    assert np.array_equal(restore(receipt.path).tree["w"], np.arange(14.0).reshape(7, 2))


def test_ranks_at_different_steps_are_refused(tmp_path: Path) -> None:
    """Their states belong to different moments; each part would fit, and the whole be wrong."""

    def work(ranks: Any) -> Any:
        return Manager(tmp_path, communicator=ranks).save(7 + ranks.rank // 2, tree_of(1, ranks))

    error = alike(on_ranks(work))
    assert isinstance(error, StructureError)
    assert error.got == "step 7 on ranks 0 to 1; step 8 on rank 2"
    assert not list(tmp_path.iterdir())


def test_what_one_rank_can_not_save_is_raised_on_all(tmp_path: Path, module: Any) -> None:
    class Empty:
        def checkpoint_state(self) -> dict[str, Any]:
            return {}

        def load_checkpoint_state(self, scalars: Any) -> None: ...

    def work(ranks: Any) -> Any:
        return Manager(tmp_path, communicator=ranks).save(1, {"net": Empty() if ranks.rank == 2 else module()})

    error = alike(on_ranks(work))
    assert isinstance(error, UninitializedError)
    assert str(error.where) == "rank 2: net"


def test_a_removal_that_fails_is_raised_on_all_and_says_what_is_safe(tmp_path: Path) -> None:
    class Stubborn(LocalFileSystem):
        def rename(self, source: PurePath, target: PurePath) -> None:
            if target.name.startswith(".trash"):
                raise PermissionError(1, "Operation not permitted")
            super().rename(source, target)

    saved(tmp_path, (1,))

    def work(ranks: Any) -> Any:
        return Manager(tmp_path, 1, communicator=ranks, file_system=Stubborn()).save(2, tree_of(2, ranks))

    error = alike(on_ranks(work))
    assert "could not be removed" in str(error)
    assert "the new checkpoint is saved" in str(error)
    assert Manager(tmp_path).steps == (1, 2)


def test_a_second_group_is_refused_as_a_whole(tmp_path: Path) -> None:
    """The folder is locked by rank 0 alone."""
    second: list[Any] = []

    class Inviting(LocalFileSystem):
        def create(self, path: PurePath, size_bytes: int, *, replaces: bool = False) -> Any:
            if path.name == "manifest.json":
                second.extend(on_ranks(lambda ranks: Manager(tmp_path, communicator=ranks).save(2, tree_of(2, ranks))))
            return super().create(path, size_bytes)

    def work(ranks: Any) -> Any:
        return Manager(tmp_path, communicator=ranks, file_system=Inviting()).save(1, tree_of(1, ranks))

    assert isinstance(alike(on_ranks(work)), Receipt)
    assert type(alike(second)).__name__ == "CheckpointBusyError"
    assert Manager(tmp_path).steps == (1,)


@pytest.mark.parametrize("rank", range(WORLD_SIZE))
def test_whatever_call_of_storage_fails_on_a_rank_all_ranks_come_to_the_same(rank: int) -> None:
    failing, failures = 0, 0
    while True:
        inner, faults = MemoryFileSystem(), Faults(failing)
        saved("run", (1, 2), inner)

        def work(ranks: Any, inner: Any = inner, faults: Any = faults) -> Any:
            storage = faults.storage(inner) if ranks.rank == rank else inner
            manager = Manager("run", 2, communicator=ranks, file_system=storage)
            return manager.save(3, tree_of(3, ranks))

        result = alike(on_ranks(work))
        if faults.hit is None:
            break
        assert isinstance(result, Receipt | CheckpointError), (faults.hit, result)
        failures += not isinstance(result, Receipt)
        restored = Manager("run", None, file_system=inner).restore_latest()
        assert restored is not None
        assert set(restored.tree["w"].flat) == {restored.tree["step"]} <= {2, 3}, faults.hit
        assert not isinstance(result, Receipt) or restored.tree["step"] == 3
        saved("run", (4,), inner)
        failing += 1
    assert failures > 5


# ---------------------------------------------------------------------- saving in the background


def test_saves_in_the_background_hold_what_was_there(tmp_path: Path, module: Any) -> None:
    asked_on: set[str] = set()

    class Asked(module):  # type: ignore[misc]  # the toy comes from a fixture
        def checkpoint_state(self) -> Any:
            asked_on.add(threading.current_thread().name)
            return super().checkpoint_state()

    def work(ranks: Any) -> list[Any]:
        with Manager(tmp_path, None, communicator=ranks) as manager:
            tree = {**tree_of(1, ranks), "object": Asked()}
            pending = []
            for step in (1, 2, 3):
                pending.append(manager.save_async(step, tree))
                tree["w"].value += 1
                tree["step"] += 1
            return [one.result().digest for one in pending]

    results = on_ranks(work)
    assert results[1:] == results[:-1]
    assert asked_on == {"rank 0", "rank 1", "rank 2"}  # before save_async returned, not in a thread of its own
    for step in (1, 2, 3):
        tree = restore(Manager(tmp_path).path(step)).tree
        assert set(tree["w"].flat) == {tree["step"]} == {step}


def test_a_rank_that_can_not_begin_a_save_in_the_background_fails_all(tmp_path: Path) -> None:
    def work(ranks: Any) -> None:
        manager = Manager(tmp_path, communicator=ranks)
        manager.save_async(1, object() if ranks.rank == 1 else tree_of(1, ranks)).result()

    error = alike(on_ranks(work))
    assert isinstance(error, StructureError)
    assert str(error.where).startswith("rank 1: ")


def test_a_rank_that_fails_waits_for_the_save_under_way_all_the_same(tmp_path: Path) -> None:
    """Else it would talk about the next save amid the talk about the last one."""

    def work(ranks: Any) -> None:
        manager = Manager(tmp_path, communicator=ranks)
        for step in range(20):
            pending = manager.save_async(step, tree_of(step, ranks))
            failing = manager.save_async(99, object() if ranks.rank == 1 else tree_of(99, ranks))
            assert pending.done()
            with pytest.raises(StructureError, match="rank 1"):
                failing.result()

    assert on_ranks(work) == [None] * WORLD_SIZE


def test_a_failure_of_which_only_some_ranks_asked_is_raised_on_all_by_the_next_call(tmp_path: Path) -> None:
    """Else those that were told would begin the next save, and wait for those that raise."""

    def work(ranks: Any) -> Any:
        manager = Manager(tmp_path, communicator=ranks)
        pending = manager.save_async(1, {"a": object() if ranks.rank == 1 else 1})
        if ranks.rank != 2:
            with pytest.raises(StructureError):
                pending.result()
        with pytest.raises(StructureError, match="rank 1: a"):
            manager.save(2, tree_of(2, ranks))
        return manager.save(3, tree_of(3, ranks))

    assert isinstance(alike(on_ranks(work)), Receipt)


# ---------------------------------------------------------------------- processes

PROGRAM = """
import os, signal, sys
import numpy as np
from dovetail_checkpointing import LocalFileSystem, Manager, ProcessCommunicator, Shard, even_slices, last

folder, rank, killed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
whole = np.zeros((8, 3))
part = even_slices(whole.shape, 0, rank, 3)

class Killing(LocalFileSystem):
    is_armed = False

    def open_folder(self, path):
        if self.is_armed and rank == killed:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().open_folder(path)

with ProcessCommunicator(f"{folder}/.meeting", rank, 3, timeout_seconds=60) as ranks:
    storage = Killing()
    manager = Manager(f"{folder}/run", keep=[last(2)], communicator=ranks, file_system=storage)
    for step in (1, 2, 3):
        tree = {"w": Shard(whole[part] + step, (part[0].start, 0), whole.shape), "step": step}
        pending = manager.save_async(step, tree)
        tree["w"].value[:] = -1
    found = manager.restore_latest(tree).tree
    print(manager.steps, manager.latest().name, found["step"], np.unique(found["w"].value).tolist(), flush=True)
    ranks.barrier()
    storage.is_armed = True
    for call in (manager.restore_latest, lambda tree: manager.save(4, tree)):
        try:
            call(found)
        except Exception as error:
            print(str(error).replace(chr(10), " "))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
@pytest.mark.parametrize("killed", [0, 2])
def test_processes_save_and_restore_together_until_one_is_killed(tmp_path: Path, killed: int) -> None:
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(tmp_path), str(rank), str(killed)], stdout=subprocess.PIPE, text=True
        )
        for rank in range(WORLD_SIZE)
    ]
    said = [process.communicate(timeout=120)[0].splitlines() for process in processes]
    assert [process.returncode for process in processes] == [-9 if rank == killed else 0 for rank in range(WORLD_SIZE)]
    assert {lines[0] for lines in said} == {"(2, 3) step-000000000003 3 [3.0]"}
    for rank in {0, 1, 2} - {killed}:
        assert len(said[rank]) == 3
        assert all("lost each other" in line and f"rank {killed}" in line for line in said[rank][1:]), said[rank]
    assert sorted(os.listdir(tmp_path / "run")) == [".lock", "step-000000000002", "step-000000000003"]
