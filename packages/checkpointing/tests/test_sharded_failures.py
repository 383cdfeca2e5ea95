"""A sharded save of which something fails: all ranks hear of it, nothing is published, the old checkpoint stays."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path, PurePath
from typing import Any

import numpy as np
import pytest

from dovetail_checkpointing import (
    LocalFileSystem,
    Shard,
    ThreadCommunicator,
    even_slices,
    restore,
    run_threads,
    save,
    save_sharded,
)
from dovetail_checkpointing.reading import read_manifest
from dovetail_protocols.errors import (
    CheckpointBusyError,
    CheckpointCorruptError,
    CheckpointDurabilityError,
    CheckpointError,
    CheckpointSpaceError,
)

OLD, NEW = np.zeros((8, 3)), np.ones((8, 3))
WORLD_SIZE = 3


class FailingFileSystem(LocalFileSystem):
    """Of which one call fails: `fails(name, path)` gives the error for it."""

    def __init__(self, fails: Callable[[str, str], OSError | None]) -> None:
        self._fails = fails

    def _look(self, call: str, path: PurePath) -> None:
        error = self._fails(call, path.name)
        if error is not None:
            raise error

    def create(self, path: PurePath, size_bytes: int, *, replaces: bool = False) -> Any:
        self._look("create", path)
        file, look = super().create(path, size_bytes), self._look
        write, sync = file.write, file.sync

        def failing_write(data: bytes | memoryview) -> None:
            look("write", path)
            write(data)

        def failing_sync() -> None:
            look("sync", path)
            sync()

        file.write, file.sync = failing_write, failing_sync  # type: ignore[method-assign]  # they fail first
        return file

    def sync_folder(self, path: PurePath) -> None:
        self._look("sync_folder", path)
        super().sync_folder(path)

    def exchange(self, one: PurePath, other: PurePath) -> None:
        self._look("exchange", other)
        super().exchange(one, other)


def part_of(whole: np.ndarray[Any, Any], ranks: Any) -> Shard:
    part = even_slices(whole.shape, 0, ranks.rank, ranks.world_size)
    return Shard(whole[part], [one.start for one in part], whole.shape)


def outcomes(path: Path, failing_rank: int, fails: Callable[[str, str], OSError | None]) -> list[Any]:
    """What each rank got where one has storage that fails."""

    def run(ranks: ThreadCommunicator) -> Any:
        storage = FailingFileSystem(fails if ranks.rank == failing_rank else lambda call, name: None)
        tree = {"w": part_of(NEW, ranks)}
        return save_sharded(path, tree, communicator=ranks, overwrite=True, file_system=storage)

    save(path, {"w": OLD})
    results = run_threads(WORLD_SIZE, run, timeout_seconds=30)
    if any(isinstance(result, BaseException) for result in results):
        assert len({(type(result), str(result)) for result in results}) == 1, results
        assert np.array_equal(restore(path).tree["w"], OLD)
        assert [child.name for child in path.parent.iterdir()] == [path.name]
    return results


@pytest.mark.parametrize("rank", range(WORLD_SIZE))
@pytest.mark.parametrize(
    ("call", "number", "kind"),
    [
        ("create", errno.EACCES, CheckpointError),
        ("write", errno.EIO, CheckpointError),
        ("write", errno.ENOSPC, CheckpointSpaceError),
        ("sync", errno.EIO, CheckpointDurabilityError),
    ],
)
def test_failing_storage_of_one_rank_fails_all(
    tmp_path: Path, rank: int, call: str, number: int, kind: type[CheckpointError]
) -> None:
    def fails(called: str, name: str) -> OSError | None:
        return OSError(number, os.strerror(number)) if called == call and "rank" in name else None

    error = outcomes(tmp_path / "c", rank, fails)[0]
    assert type(error) is kind
    assert str(error.where).startswith(f"rank {rank}: ")
    assert os.strerror(number) in str(error.cause)


@pytest.mark.parametrize(("call", "name"), [("create", "manifest.json"), ("sync", "manifest.json"), ("exchange", "c")])
def test_failure_of_rank_0_while_it_publishes_fails_all(tmp_path: Path, call: str, name: str) -> None:
    def fails(called: str, at: str) -> OSError | None:
        return OSError(errno.EIO, "Input/output error") if (called, at) == (call, name) else None

    error = outcomes(tmp_path / "c", 0, fails)[1]
    assert isinstance(error, CheckpointError)
    assert "Input/output error" in str(error.cause)


def test_sync_of_a_folder_that_fails_on_one_rank_fails_all(tmp_path: Path) -> None:
    def fails(call: str, name: str) -> OSError | None:
        return OSError(errno.EIO, "Input/output error") if call == "sync_folder" and ".tmp" in name else None

    assert isinstance(outcomes(tmp_path / "c", 2, fails)[0], CheckpointDurabilityError)


def test_options_of_rank_0_hold_for_all(tmp_path: Path) -> None:
    """A rank that were content with less would make the whole less durable."""
    synced: list[str] = []

    def note(call: str, name: str) -> None:
        if call == "sync":
            synced.append(name)

    def run(ranks: ThreadCommunicator) -> Any:
        return save_sharded(
            tmp_path / "c",
            {"w": part_of(NEW, ranks)},
            communicator=ranks,
            file_system=FailingFileSystem(note),
            durability="process" if ranks.rank else "power-loss",
            digests=("crc32",) if ranks.rank else ("crc32", "sha256"),
        )

    assert not [result for result in run_threads(2, run) if isinstance(result, BaseException)]
    assert sum("rank-00001" in name for name in synced) == 1
    assert all(file.sha256 is not None for file in read_manifest(tmp_path / "c").files)


def test_several_failures_are_told_together(tmp_path: Path) -> None:
    def run(ranks: ThreadCommunicator) -> Any:
        return save_sharded(tmp_path / "c", {"a": object() if ranks.rank else 1}, communicator=ranks)

    results = run_threads(4, run)
    assert {str(getattr(result, "where", None)) for result in results} == {"rank 1: a"}
    assert all(str(result.cause).endswith("also failed: rank 2, 3") for result in results)  # type: ignore[union-attr]  # all errors


def test_two_groups_saving_to_one_path_do_not_meet(tmp_path: Path) -> None:
    """The second is refused as a whole while the first is under way; the first is not disturbed."""
    second: list[Any] = []

    def save_too(ranks: ThreadCommunicator) -> Any:
        return save_sharded(tmp_path / "c", {"w": part_of(NEW, ranks)}, communicator=ranks)

    def while_it_writes(call: str, name: str) -> OSError | None:
        if (call, name) == ("create", "manifest.json"):
            second.extend(run_threads(2, save_too))
        return None

    def run(ranks: ThreadCommunicator) -> Any:
        storage = FailingFileSystem(while_it_writes)
        return save_sharded(tmp_path / "c", {"w": part_of(OLD, ranks)}, communicator=ranks, file_system=storage)

    results = run_threads(2, run)
    assert [type(result) for result in second] == [CheckpointBusyError, CheckpointBusyError]
    assert not [result for result in results if isinstance(result, BaseException)]
    assert np.array_equal(restore(tmp_path / "c").tree["w"], OLD)
    assert [child.name for child in tmp_path.iterdir()] == ["c"]


def test_rank_that_never_comes_is_noticed_in_the_time_of_the_communicator(tmp_path: Path) -> None:
    def run(ranks: ThreadCommunicator) -> Any:
        if ranks.rank == 1:
            return None
        return save_sharded(tmp_path / "c", {"w": NEW}, communicator=ranks)

    for result in (result for result in run_threads(3, run) if result is not None):
        assert "lost each other" in str(result)
        assert "rank 1 has returned" in str(result)
    assert not list(tmp_path.iterdir())


def test_rank_that_leaves_while_others_write_leaves_nothing_behind(tmp_path: Path) -> None:
    class Leaving:
        """A communicator of which a rank is gone at its second gather."""

        def __init__(self, ranks: ThreadCommunicator) -> None:
            self._ranks, self._calls = ranks, 0
            self.rank, self.world_size, self.barrier = ranks.rank, ranks.world_size, ranks.barrier
            self.broadcast = ranks.broadcast

        def gather(self, value: bytes) -> Any:
            self._calls += 1
            if self.rank == 1 and self._calls == 2:
                raise KeyboardInterrupt
            return self._ranks.gather(value)

    save(tmp_path / "c", {"w": OLD})
    results = run_threads(
        3,
        lambda ranks: save_sharded(
            tmp_path / "c", {"w": part_of(NEW, ranks)}, communicator=Leaving(ranks), overwrite=True
        ),
    )
    assert isinstance(results[1], KeyboardInterrupt)
    assert all("lost each other" in str(results[rank]) for rank in (0, 2))
    assert "nothing was published" in str(results[0])
    assert "not known here" in str(results[2])
    assert np.array_equal(restore(tmp_path / "c").tree["w"], OLD)
    assert [child.name for child in tmp_path.iterdir()] == ["c"]


def test_storage_that_is_not_shared_is_noticed_before_anything_is_written(tmp_path: Path) -> None:
    for rank in range(2):
        (tmp_path / str(rank)).mkdir()

    def run(ranks: ThreadCommunicator) -> Any:
        return save_sharded(tmp_path / str(ranks.rank) / "c", {"w": part_of(NEW, ranks)}, communicator=ranks)

    for result in run_threads(2, run):
        assert isinstance(result, CheckpointError)
        assert "rank 0 made is not there" in str(result)
        assert str(result.where).startswith("rank 1: ")
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_file_that_rank_0_sees_otherwise_is_not_published(tmp_path: Path) -> None:
    class Stale(LocalFileSystem):
        """Storage that shows zeros where another machine has just written."""

        def open_folder(self, path: PurePath) -> Any:
            folder = super().open_folder(path)
            opened = folder.open

            def open_stale(name: str) -> Any:
                file = opened(name)
                if "rank-00001" in name:
                    file.read_into = lambda offset, buffer: len(buffer)  # type: ignore[method-assign]  # reads nothing
                return file

            folder.open = open_stale  # type: ignore[method-assign]  # stale for some
            return folder

    def run(ranks: ThreadCommunicator) -> Any:
        storage = LocalFileSystem() if ranks.rank else Stale()
        return save_sharded(tmp_path / "c", {"w": part_of(NEW, ranks)}, communicator=ranks, file_system=storage)

    for result in run_threads(2, run):
        assert isinstance(result, CheckpointCorruptError)
        assert "rank-00001.safetensors: its header is not the one that was written" in str(result)
    assert not list(tmp_path.iterdir())


# ---------------------------------------------------------------------- processes that are killed

PROGRAM = """
import os, signal, sys
import numpy as np
from dovetail_checkpointing import LocalFileSystem, ProcessCommunicator, Shard, even_slices, save_sharded

folder, rank, killed, moment = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]

class Killing(LocalFileSystem):
    def create(self, path, size_bytes, **rest):
        if rank == killed and moment in path.name:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().create(path, size_bytes)

    def exchange(self, one, other):
        super().exchange(one, other)
        if rank == killed and moment == "published":
            os.kill(os.getpid(), signal.SIGKILL)

with ProcessCommunicator(f"{folder}/.meeting-{moment}", rank, 3, timeout_seconds=60) as ranks:
    for value, path in enumerate(["c", "c", "d"]):
        whole = np.full((8, 3), value)
        part = even_slices(whole.shape, 0, rank, 3)
        tree = {"w": Shard(whole[part], [one.start for one in part], whole.shape), "value": value}
        try:
            receipt = save_sharded(
                f"{folder}/{path}", tree, communicator=ranks, overwrite=True,
                file_system=Killing() if value else LocalFileSystem(),
            )
            print(receipt.digest, flush=True)
        except Exception as error:
            print(type(error).__name__, str(error).replace(chr(10), " "))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
@pytest.mark.parametrize(
    ("killed", "moment", "expected"),
    [(1, "rank-00001", 0), (0, "rank-00000", 0), (0, "manifest", 0), (0, "published", 1)],
    ids=["rank 1 while it writes", "rank 0 while it writes", "rank 0 before the manifest", "rank 0 after publishing"],
)
def test_killed_rank_leaves_a_whole_checkpoint_and_the_others_hear_of_it(
    tmp_path: Path, killed: int, moment: str, expected: int
) -> None:
    arguments = [[str(tmp_path), str(rank), str(killed), moment] for rank in range(3)]
    processes = [
        subprocess.Popen([sys.executable, "-c", PROGRAM, *own], stdout=subprocess.PIPE, text=True) for own in arguments
    ]
    said = [process.communicate(timeout=120)[0].splitlines() for process in processes]
    assert [process.returncode for process in processes] == [-9 if rank == killed else 0 for rank in range(3)]
    assert len({lines[0] for lines in said}) == 1  # the receipt of the first save
    for rank in {0, 1, 2} - {killed}:
        assert all("lost each other" in line and f"rank {killed}" in line for line in said[rank][1:]), said[rank]
    assert restore(tmp_path / "c").tree["value"] == expected
    assert not (tmp_path / "d").exists()
    save(tmp_path / "c", {"w": NEW}, overwrite=True)  # which removes what lies unfinished
    assert [child.name for child in tmp_path.iterdir()] == ["c"]
