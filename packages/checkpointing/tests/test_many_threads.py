"""Many threads save, load and wait at once. `nox -s free_threading` runs it without the GIL, in more rounds."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dovetail_checkpointing import Manager, MemoryFileSystem, Receipt, migration, restore, save, save_async, versions
from dovetail_checkpointing import open as open_checkpoint
from dovetail_checkpointing.asynchronous import Saver
from dovetail_protocols.errors import AttributeValueError, CheckpointBusyError, CheckpointError

from .test_concurrency import in_threads, number_in, tree

ROUNDS = int(os.environ.get("DOVETAIL_STRESS_ROUNDS", "2"))
THREADS = 8


def repeated(work: Any) -> list[Any]:
    """What `work(thread, number)` gives in every thread, several times, with a number that stands once."""
    found = in_threads(*(lambda t=t: [work(t, t * 1000 + n) for n in range(ROUNDS)] for t in range(THREADS)))
    return [one for several in found for one in several]


def test_each_thread_saves_and_loads_its_own(tmp_path: Path) -> None:
    memory = MemoryFileSystem()

    def work(thread: int, number: int) -> None:
        for path, file_system in ((tmp_path / f"{thread}", None), (Path(f"/{thread}"), memory)):
            save(path, tree(number), overwrite=True, durability="process", file_system=file_system)
            target = tree(-1)
            restored = restore(path, target, verify="full", file_system=file_system).tree
            assert number_in(restored) == number_in(restore(path, file_system=file_system).tree) == number

    repeated(work)
    assert sorted(child.name for child in tmp_path.iterdir()) == [str(thread) for thread in range(THREADS)]


def test_saves_in_the_background_that_threads_ask_for_at_once_all_succeed(tmp_path: Path) -> None:
    manager = Manager(tmp_path / "steps", max_to_keep=None)

    def work(thread: int, number: int) -> None:
        contents = tree(number)
        pending = [
            save_async(tmp_path / f"{number}", contents, durability="process"),
            manager.save_async(number, contents, durability="process"),
        ]
        contents["model"]["kernel"][:] = -1
        contents["optimizer"][0][:] = -1
        for one in pending:
            one.result()
        for path in (tmp_path / f"{number}", manager.path(number)):
            assert number_in(restore(path).tree) == number

    repeated(work)
    manager.close()
    assert len(manager.steps) == THREADS * ROUNDS


def test_one_save_runs_at_a_time_and_no_failure_is_lost_whoever_asks() -> None:
    saver, counting = Saver(), threading.Lock()
    running, most = 0, 0

    def write(number: int) -> Receipt:
        nonlocal running, most
        with counting:
            running += 1
            most = max(most, running)
        sum(range(10_000))  # long enough for others to come in between
        with counting:
            running -= 1
        if number % 3 == 0:
            raise OSError(f"failure of {number}")
        return Receipt(Path(), "", 0, 0, 0.0)

    def work(thread: int, number: int) -> list[str]:
        told = []
        for _ in range(1 + ROUNDS * THREADS):  # until another's failure isn't told here
            try:
                saver.start(f"{number}", saver.wait, lambda _: write(number))
                break
            except OSError as error:
                told.append(str(error))
        return told

    told = [one for several in repeated(work) for one in several]
    try:
        saver.wait()
    except OSError as error:
        told.append(str(error))
    numbers = [thread * 1000 + n for thread in range(THREADS) for n in range(ROUNDS)]
    assert most == 1
    assert sorted(told) == sorted(f"failure of {number}" for number in numbers if number % 3 == 0)


@pytest.mark.parametrize("verify", ["chunks", "full"])
def test_threads_read_one_open_checkpoint(verify: Any, tmp_path: Path) -> None:
    arrays = {f"{place}": np.arange(1000) + place for place in range(THREADS)}
    for number in range(ROUNDS):
        save(tmp_path / f"{number}", arrays, shard_bytes=20_000, durability="process")
        with open_checkpoint(tmp_path / f"{number}", verify=verify) as reader:

            def read(thread: int, reader: Any = reader) -> None:
                for place in range(THREADS):
                    name = f"{(place + thread) % THREADS}"
                    assert (reader.read(name) == arrays[name]).all()
                    assert (reader.read(name, slice(5, 900)) == arrays[name][5:900]).all()

            in_threads(*(lambda t=t: read(t) for t in range(THREADS)))


def test_in_memory_one_writer_of_a_place_wins() -> None:
    memory = MemoryFileSystem()
    for number in range(ROUNDS):

        def attempt(thread: int, number: int = number) -> bool:
            try:
                save(f"/{number}", tree(thread), file_system=memory)
            except CheckpointBusyError:
                return False
            except CheckpointError as error:
                if "exists already" not in str(error):
                    raise
                return False
            return True

        assert sum(in_threads(*(lambda t=t: attempt(t) for t in range(THREADS)))) == 1


def test_of_threads_that_register_a_migration_one_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(versions, "_MIGRATIONS", {})

    def attempt(source: int) -> bool:
        try:
            migration("model", source, source + 1)(lambda state: state)
        except AttributeValueError:
            return False
        return versions.newest_version("model") > source

    for source in range(1, 20 * ROUNDS):
        assert sum(in_threads(*(lambda: attempt(source),) * THREADS)) == 1  # noqa: B023 - it runs in the loop
