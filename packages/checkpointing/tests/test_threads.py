"""Threads where there is room for them, and the same results where there is none."""

from __future__ import annotations

import inspect
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dovetail_checkpointing import Manager, MemoryFileSystem, restore, save, save_async, threads
from dovetail_protocols.errors import CheckpointError

from .faulty_storage import Faults

LARGE = {"kernel": np.arange(3 << 20, dtype=np.float64)}  # three chunks


def no_more(self: threading.Thread) -> None:
    raise RuntimeError("can't start new thread")


@pytest.fixture(params=["no room", "no more threads"])
def alone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A system that starts no threads."""
    if request.param == "no room":
        monkeypatch.setattr(threads, "has_room", lambda: False)
    monkeypatch.setattr(threading.Thread, "start", no_more)


@pytest.mark.usefixtures("alone")
@pytest.mark.parametrize("digests", [("crc32",), ("crc32", "sha256")])
def test_without_threads_a_save_and_a_restore_do_the_same(digests: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    storage = MemoryFileSystem()
    alone = save("c", LARGE, digests=digests, file_system=storage)
    assert (restore("c", file_system=storage).tree["kernel"] == LARGE["kernel"]).all()
    monkeypatch.undo()
    assert alone.digest == save("other", LARGE, digests=digests, file_system=storage).digest


@pytest.mark.usefixtures("alone")
def test_without_threads_a_save_in_the_background_is_made_at_once(tmp_path: Path) -> None:
    pending = save_async(tmp_path / "c", LARGE)
    assert pending.done()
    assert "saved" in repr(pending)
    assert restore(tmp_path / "c", expected_digest=pending.result().digest).report.step is None


@pytest.mark.usefixtures("alone")
def test_without_threads_a_failure_is_still_raised_by_the_next_call() -> None:
    faults = Faults()
    manager = Manager("run", file_system=faults.storage())
    faults.failing = len(faults.calls) + 4
    manager.save_async(1, {"x": np.ones(3)})
    assert faults.hit
    with pytest.raises(CheckpointError, match="was saved in the background"):
        manager.wait()
    manager.save(2, {"x": np.ones(3)})


@pytest.mark.parametrize("count", [0, 1, 2, 50])
@pytest.mark.parametrize("at_once", [1, 2, 4])
def test_side_by_side_takes_each_item_once(count: int, at_once: int) -> None:
    seen: list[int] = []
    threads.side_by_side(seen.append, range(count), at_once)
    assert sorted(seen) == list(range(count))


def test_side_by_side_raises_what_the_first_of_the_items_raised() -> None:
    both = threading.Barrier(2)

    def fail(item: int) -> None:
        both.wait()
        raise ValueError(item)

    for _ in range(20):
        with pytest.raises(ValueError, match="0"):
            threads.side_by_side(fail, [0, 1], 2)


def test_side_by_side_tells_of_a_thread_that_was_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """It took an item, and ended before it could say that it failed."""

    class Lost(threading.Thread):
        def run(self) -> None:
            return

    def lose(run: Any) -> threading.Thread:
        next(inspect.getclosurevars(run).nonlocals["places"])
        lost = Lost()
        lost.start()
        return lost

    monkeypatch.setattr(threads, "started", lose)
    with pytest.raises(MemoryError, match="in the middle of its work"):
        threads.side_by_side(lambda item: None, [0, 1, 2], 2)
