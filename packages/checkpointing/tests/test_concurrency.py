"""Threads that save to one place, read while others save, and read with little memory."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path, PurePath
from typing import Any

import numpy as np
import pytest

from dovetail_checkpointing import LocalFileSystem, Manager, last, restore, save
from dovetail_protocols.errors import CheckpointBusyError, CheckpointCorruptError, CheckpointError


def tree(number: int) -> dict[str, Any]:
    return {"model": {"kernel": np.full(5000, number)}, "optimizer": [np.full(3, number)], "number": number}


def number_in(found: Any) -> int:
    number = int(found["number"])
    assert (found["model"]["kernel"] == number).all()
    assert (found["optimizer"][0] == number).all()
    return number


def in_threads(*works: Callable[[], Any]) -> list[Any]:
    """What each work gives; they begin together."""
    barrier = threading.Barrier(len(works))

    def run(work: Callable[[], Any]) -> Any:
        barrier.wait()
        return work()

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(run, works))


def test_of_threads_that_save_to_one_place_one_wins_and_the_others_are_told(tmp_path: Path) -> None:
    for trial in range(10):
        target = tmp_path / str(trial) / "c"

        def attempt(number: int, target: Path = target) -> int | None:
            try:
                save(target, tree(number), durability="process")
            except CheckpointBusyError:
                return None
            except CheckpointError as error:
                if "exists already" not in str(error):
                    raise
                return None
            return number

        won = [number for number in in_threads(*(lambda n=n: attempt(n) for n in range(4))) if number is not None]
        assert len(won) == 1
        assert number_in(restore(target).tree) == won[0]
        assert [child.name for child in target.parent.iterdir()] == ["c"]


def test_who_publishes_second_is_told_that_another_was_quicker(tmp_path: Path) -> None:
    """Between the look at the target and the lock, another may have saved whole."""

    class Late(LocalFileSystem):
        def lock(self, path: PurePath, *, keep: bool) -> Any:
            save(tmp_path / "c", tree(1))
            return super().lock(path, keep=keep)

    with pytest.raises(CheckpointBusyError, match="saved there meanwhile"):
        save(tmp_path / "c", tree(2), file_system=Late())
    assert number_in(restore(tmp_path / "c").tree) == 1
    assert [child.name for child in tmp_path.iterdir()] == ["c"]


def test_readers_find_a_whole_checkpoint_or_are_told_while_others_save_replace_and_remove(tmp_path: Path) -> None:
    save(tmp_path / "c", tree(0))
    Manager(tmp_path).save(0, tree(0))
    ended = threading.Event()

    def write() -> list[int]:
        saved = [0]
        manager = Manager(tmp_path, keep=[last(2)])
        try:
            for number in range(1, 40):
                with suppress(CheckpointBusyError):  # a reader's Manager removes what the save before left
                    save(tmp_path / "c", tree(number), overwrite=True, durability="process")
                    saved.append(number)
                    manager.save(number, tree(number), durability="process")
        finally:
            ended.set()
        return saved

    def read() -> int:
        seen = set()
        while not ended.is_set():
            for load in (lambda: restore(tmp_path / "c"), lambda: Manager(tmp_path).restore_latest()):
                try:
                    restored = load()
                except CheckpointCorruptError:
                    raise
                except CheckpointError:
                    continue  # removed or replaced while it was read
                assert restored is not None
                seen.add(number_in(restored.tree))
        return len(seen)

    saved, *seen = in_threads(write, read, read)
    assert len(saved) > 2
    assert all(count >= 2 for count in seen)
    assert number_in(restore(tmp_path / "c").tree) == saved[-1]
    assert not [child.name for child in tmp_path.iterdir() if child.name.startswith((".tmp", ".trash"))]


LIMITED = """
import os, resource, sys
import numpy as np
from dovetail_checkpointing import restore
from dovetail_protocols.errors import CheckpointError

path, payload = sys.argv[1], 48 << 20
size = lambda: int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
restore(path, only="small", verify="chunks")  # so that everything is imported
outcomes = []
for allowed in [*range(0, payload, 8 << 20), payload + (256 << 20)]:
    child = os.fork()
    if child == 0:
        target = {"large": np.zeros(payload // 8), "small": np.zeros(2)}
        resource.setrlimit(resource.RLIMIT_AS, (size() + allowed,) * 2)
        try:
            restored = restore(path, target).tree
            code = 0 if restored["large"][-1] == 7 else 3
        except (CheckpointError, MemoryError):
            code = 1 if not target["large"].any() and not target["small"].any() else 4
        except BaseException as error:
            print(type(error), error, flush=True)
            code = 2
        os._exit(code)
    outcomes.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
print(outcomes)
assert outcomes[-1] == 0 and 1 in outcomes and set(outcomes) <= {0, 1}
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_with_little_memory_a_restore_works_or_says_so_and_changes_nothing(tmp_path: Path) -> None:
    save(tmp_path / "c", {"large": np.full(6 << 20, 7.0), "small": np.ones(2)}, durability="process")
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", LIMITED, str(tmp_path / "c")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr


SEEDED = """
import sys
from pathlib import Path, PurePath
import numpy as np
from dovetail_checkpointing import MemoryFileSystem, save
names = {f"layer {place}" for place in range(50)}
tree = {"set of names": {name: np.ones(2) for name in sorted(names)}, "metrics": {"b": 1.0, "a": 2.0}}
print(save("c", tree, metrics={name: 1.0 for name in names}, file_system=MemoryFileSystem()).digest)
"""


def test_the_digest_does_not_depend_on_the_seed_of_hashes() -> None:
    digests = set()
    for seed in ("0", "1", "random"):
        done = subprocess.run(
            [sys.executable, "-c", SEEDED],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "PYTHONHASHSEED": seed},
        )
        digests.add(done.stdout)
    assert len(digests) == 1
