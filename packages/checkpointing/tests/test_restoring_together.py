"""Several ranks restore together: all of them the same checkpoint, or none anything, whatever fails on one."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable
from pathlib import Path, PurePath
from typing import Any

import numpy as np
import pytest

from dovetail_checkpointing import (
    LocalFileSystem,
    Manager,
    MemoryFileSystem,
    restore,
    save,
)
from dovetail_protocols.errors import (
    CheckpointCorruptError,
    CheckpointError,
    CheckpointMismatchError,
)
from dovetail_protocols.roles import Communicator

from .faulty_storage import Faults
from .rank_groups import WORLD_SIZE, Target, alike, on_ranks, saved_targets


@pytest.fixture
def target(variable: Any, module: Any) -> Callable[[Any], Target]:
    return lambda ranks: Target(ranks, variable, module)


# ---------------------------------------------------------------------- restoring


def test_all_ranks_restore_the_newest_each_its_own_part(tmp_path: Path, target: Any) -> None:
    def work(ranks: Any) -> Any:
        own = target(ranks)
        manager = Manager(tmp_path, communicator=ranks)
        assert manager.restore_latest(own.tree) is None
        ranks.barrier()
        return own

    assert [own.value for own in on_ranks(work)] == [-1] * WORLD_SIZE
    saved_targets(tmp_path, (1, 2), target)

    def resume(ranks: Any) -> tuple[float, Any]:
        own = target(ranks)
        restored = Manager(tmp_path, communicator=ranks).restore_latest(own.tree)
        assert restored is not None
        return own.value, restored.report.step

    assert on_ranks(resume) == [(2, 2)] * WORLD_SIZE
    assert on_ranks(resume, 5) == [(2, 2)] * 5  # whoever saved it


class Damaging(MemoryFileSystem):
    """Storage that is another's, of which some files read otherwise here: a machine with a bad cache."""

    def __init__(self, inner: MemoryFileSystem, names: tuple[str, ...], *, missing: bool = False) -> None:
        super().__init__()
        self.__dict__.update(inner.__dict__)
        self._names, self._missing = names, missing

    def open_folder(self, path: PurePath) -> Any:
        folder = super().open_folder(path)
        if not any(name in str(path) for name in self._names):
            return folder
        opened, missing = folder.open, self._missing

        def open_damaged(name: str) -> Any:
            if missing:
                raise FileNotFoundError(2, "No such file or directory", name)
            file = opened(name)
            read = file.read_into

            def read_damaged(offset: int, buffer: memoryview) -> int:
                count = read(offset, buffer)
                if name != "manifest.json":
                    buffer[-1] ^= 1
                return count

            file.read_into = read_damaged  # type: ignore[method-assign]  # that is the damage
            return file

        folder.open = open_damaged  # type: ignore[method-assign]  # that is the damage
        return folder


def resumed(storage: Callable[[int], Any], target: Any, **options: Any) -> list[Any]:
    """The value that each rank has afterwards, or the error with that value."""

    def work(ranks: Any) -> Any:
        own = target(ranks)
        manager = Manager("run", communicator=ranks, file_system=storage(ranks.rank))
        try:
            restored = manager.restore_latest(own.tree, **options)
        except CheckpointError as error:
            return error, own.value
        return (None if restored is None else restored.report.step), own.value

    with warnings.catch_warnings():  # of all threads: filters are not a thread's own
        warnings.simplefilter("ignore")
        return on_ranks(work)


@pytest.mark.parametrize("rank", range(WORLD_SIZE))
@pytest.mark.parametrize("missing", [False, True], ids=["other bytes", "missing"])
def test_a_step_that_one_rank_finds_damaged_is_passed_over_by_all(rank: int, missing: bool, target: Any) -> None:
    inner = MemoryFileSystem()
    saved_targets("run", (1, 2, 3), target, inner)

    def storage(own: int) -> Any:
        names = {rank: ("step-000000000003",), (rank + 1) % WORLD_SIZE: ("step-000000000002",)}.get(own, ())
        return Damaging(inner, names, missing=missing)

    assert resumed(storage, target, fallback=True) == [(1, 1)] * WORLD_SIZE
    results = resumed(storage, target)
    assert [value for _, value in results] == [-1] * WORLD_SIZE
    error = alike([error for error, _ in results])
    assert f"rank {rank}: " in str(error.where)
    assert isinstance(error, CheckpointCorruptError) != missing
    assert "verifies" in str(error.fix)


def test_where_no_step_is_left_all_ranks_raise_or_have_nothing(target: Any) -> None:
    inner = MemoryFileSystem()
    saved_targets("run", (1, 2), target, inner)
    results = resumed(lambda rank: Damaging(inner, ("step-",) if rank == 1 else ()), target)
    assert isinstance(alike([error for error, _ in results]), CheckpointCorruptError)
    results = resumed(lambda rank: Damaging(inner, ("step-",) if rank == 1 else ()), target, fallback=True)
    assert results == [(None, -1)] * WORLD_SIZE


def test_what_does_not_fit_on_one_rank_is_no_damage_on_any(target: Any) -> None:
    """Even where another rank finds damage: an older step would not fit either."""
    inner = MemoryFileSystem()
    saved_targets("run", (1, 2), target, inner)

    def wrong(ranks: Any) -> Any:
        own = target(ranks)
        if ranks.rank == 2:
            own.tree["more"] = own.variable.__class__([0.0])
        return own

    results = resumed(lambda rank: Damaging(inner, ("step-000000000002",) if rank == 0 else ()), wrong, fallback=True)
    error = alike([error for error, _ in results])
    assert isinstance(error, CheckpointMismatchError)
    assert "also failed: rank 0" in str(error)
    assert [value for _, value in results] == [-1] * WORLD_SIZE


@pytest.mark.parametrize("rank", range(WORLD_SIZE))
def test_whatever_call_fails_on_a_rank_that_restores_all_have_it_or_none(rank: int, target: Any) -> None:
    inner = MemoryFileSystem()
    saved_targets("run", (1, 2), target, inner)
    failing = 0
    while True:
        faults = Faults(failing)
        results = resumed(lambda own, faults=faults: faults.storage(inner) if own == rank else inner, target)
        came, values = [came for came, _ in results], [value for _, value in results]
        if isinstance(alike(came), CheckpointError):
            assert values == [-1] * WORLD_SIZE, faults.hit
        else:
            assert results == [(2, 2)] * WORLD_SIZE, faults.hit
        if faults.hit is None:
            break
        failing += 1
    assert failing > 5


def test_what_can_not_be_put_in_place_on_one_rank_is_undone_on_all(tmp_path: Path, target: Any) -> None:
    saved_targets(tmp_path, (1,), target)

    def work(ranks: Any) -> Any:
        own = target(ranks)
        if ranks.rank == 1:
            own.object.load_checkpoint_state = lambda scalars: {}[scalars["epoch"]] if scalars["epoch"] > 0 else None
        try:
            Manager(tmp_path, communicator=ranks).restore_latest(own.tree)
        except (CheckpointError, KeyError) as error:
            return error, own.value
        return None

    (first, second, third), values = zip(*on_ranks(work), strict=True)
    assert values == (-1,) * WORLD_SIZE
    assert isinstance(second, KeyError)
    assert str(first) == str(third)
    assert (first.where, first.cause, first.effect) == ("rank 1", "KeyError: 1", "nothing was restored here")


def test_a_word_that_an_option_does_not_know_fails_all(tmp_path: Path, target: Any) -> None:
    saved_targets(tmp_path, (1,), target)

    def work(ranks: Any) -> Any:
        missing = "ignore" if ranks.rank == 1 else "error"
        return Manager(tmp_path, communicator=ranks).restore_latest(target(ranks).tree, missing=missing)

    assert type(alike(on_ranks(work))).__name__ == "AttributeValueError"


# ---------------------------------------------------------------------- restore of one checkpoint


class Signaling:
    """A communicator that says when a rank has come to its first call."""

    def __init__(self, ranks: Communicator, came: threading.Event) -> None:
        self._ranks, self._came = ranks, came
        self.rank, self.world_size, self.barrier = ranks.rank, ranks.world_size, ranks.barrier
        self.broadcast = ranks.broadcast

    def gather(self, value: bytes) -> Any:
        self._came.set()
        return self._ranks.gather(value)


def test_a_checkpoint_that_is_replaced_between_two_ranks_reading_is_read_anew(tmp_path: Path, target: Any) -> None:
    """Each would be whole by itself, and the model be half of one and half of another."""
    whole = {"w": np.full((7, 2), 2.0), "object": {"epoch": 2}}
    save(tmp_path / "c", {"w": whole["w"] - 1, "object": {"epoch": 1}})
    has_read = threading.Event()

    class Replacing(LocalFileSystem):
        def open_folder(self, path: PurePath) -> Any:
            if has_read.wait(30) and restore(tmp_path / "c").tree["object"]["epoch"] == 1:
                save(tmp_path / "c", whole, overwrite=True)
            return super().open_folder(path)

    def work(ranks: Any) -> float:
        own = target(ranks)
        storage = Replacing() if ranks.rank else None
        restore(tmp_path / "c", own.tree, communicator=Signaling(ranks, has_read), file_system=storage)
        return float(own.value)

    assert on_ranks(work, 2) == [2, 2]


def test_ranks_that_read_different_checkpoints_are_refused(tmp_path: Path, target: Any) -> None:
    for rank in range(2):
        save(tmp_path / str(rank), {"w": np.full((7, 2), float(rank)), "object": {"epoch": rank}})

    def work(ranks: Any) -> Any:
        own = target(ranks)
        with pytest.raises(CheckpointError, match="read different checkpoints"):
            restore(tmp_path / str(ranks.rank), own.tree, communicator=ranks)
        return own.value

    assert on_ranks(work, 2) == [-1, -1]


# ---------------------------------------------------------------------- ranks that go


class Leaving:
    """A communicator of which a rank is gone at one of its calls."""

    def __init__(self, ranks: Communicator, leaves_at: int | None) -> None:
        self._ranks, self._left = ranks, leaves_at
        self.rank, self.world_size = ranks.rank, ranks.world_size

    def _count(self) -> None:
        if self._left is not None:
            self._left -= 1
            if self._left < 0:
                raise KeyboardInterrupt

    def barrier(self) -> None:
        self._count()
        self._ranks.barrier()

    def gather(self, value: bytes) -> Any:
        self._count()
        return self._ranks.gather(value)

    def broadcast(self, value: bytes | None) -> bytes:
        self._count()
        return self._ranks.broadcast(value)


@pytest.mark.parametrize("rank", range(WORLD_SIZE))
def test_a_rank_that_leaves_at_any_call_leaves_nobody_waiting(rank: int, target: Any) -> None:
    storage = MemoryFileSystem()
    saved_targets("run", (1,), target, storage)
    for leaves_at in range(100):

        def work(ranks: Any, leaves_at: int = leaves_at) -> Any:
            own = target(ranks)
            leaving = Leaving(ranks, leaves_at if ranks.rank == rank else None)
            manager = Manager("run", 2, communicator=leaving, file_system=storage)
            try:
                manager.restore_latest(own.tree)
            except CheckpointError as error:
                return str(error), own.value
            own.variable.payload = own.variable.payload + 1
            own.object.epoch += 1
            manager.save(int(own.value), own.tree)
            return "", own.value

        results = on_ranks(work)
        if not any(isinstance(result, BaseException) for result in results):
            break
        assert isinstance(results[rank], KeyboardInterrupt)
        for result in (result for own, result in enumerate(results) if own != rank):
            assert "have lost each other" in str(result)
            assert isinstance(result, CheckpointError) or result[1] == -1
    assert leaves_at == 10  # to agree takes two calls: on the step, what is read, what is in place; two for a save
