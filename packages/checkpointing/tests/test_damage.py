"""Damage is found, and a save that fails or is killed leaves the old checkpoint or the new one, whole."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path, PurePath
from typing import Any

import numpy as np
import pytest

from dovetail_checkpointing import LocalFileSystem, latest_checkpoint, restore, save
from dovetail_checkpointing.sealed_json import seal
from dovetail_protocols.errors import CheckpointCorruptError, CheckpointError, CheckpointUnsafeError

TREE = {"a": np.arange(20, dtype=np.float32), "b": np.array([True, False]), "n": 3, "x": 0.1}


def value_of(path: Path) -> int:
    return int(restore(path, {"n": 0, "x": np.zeros(1000)}).tree["n"])


def test_a_flipped_bit_in_any_byte_is_found(tmp_path: Path) -> None:
    save(tmp_path / "c", TREE)
    for file in sorted((tmp_path / "c").iterdir()):
        sound = file.read_bytes()
        for place in range(len(sound)):
            damaged = bytearray(sound)
            damaged[place] ^= 1 << place % 8
            file.write_bytes(damaged)
            with pytest.raises(CheckpointCorruptError):
                restore(tmp_path / "c", TREE)
        file.write_bytes(sound)


def test_truncations_are_refused(tmp_path: Path) -> None:
    save(tmp_path / "c", TREE)
    for file in sorted((tmp_path / "c").iterdir()):
        sound = file.read_bytes()
        for length in [*range(0, len(sound), 7), len(sound) - 1, len(sound) + 1]:
            file.write_bytes((sound + b"\0")[:length])
            with pytest.raises(CheckpointCorruptError):
                restore(tmp_path / "c", TREE)
        file.write_bytes(sound)


def test_a_link_in_place_of_a_file_is_refused(tmp_path: Path) -> None:
    save(tmp_path / "c", TREE)
    file = tmp_path / "c" / "data-00000-of-00001.safetensors"
    file.rename(tmp_path / "elsewhere")
    file.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(CheckpointUnsafeError, match="no regular file"):
        restore(tmp_path / "c", TREE)


@pytest.mark.parametrize("pieces", [{"0": 1}, {}, [{}], [[0, 0]], [[]], "abc", 3, None, [[0, 0, 80, [0], [20]], 1]])
def test_tensor_whose_pieces_are_none_is_refused(tmp_path: Path, pieces: Any) -> None:
    save(tmp_path / "c", TREE)
    manifest = tmp_path / "c" / "manifest.json"
    document = json.loads(manifest.read_bytes())
    del document["root"]
    document["tensors"][0][3] = pieces
    manifest.write_bytes(seal(document, sort_keys=True)[0])
    with pytest.raises(CheckpointCorruptError, match="can't be read"):
        restore(tmp_path / "c", TREE)


class Overtaken(LocalFileSystem):
    """Storage on which somebody does something to a checkpoint whenever a reader has opened its folder."""

    def __init__(self, times: int, what: Callable[[], object]) -> None:
        self.left, self.what = times, what

    def open_folder(self, path: PurePath) -> Any:
        opened = super().open_folder(path)
        if self.left:
            self.left -= 1
            self.what()
        return opened


def test_checkpoint_that_is_replaced_while_it_is_read_is_read_anew(tmp_path: Path) -> None:
    save(tmp_path / "c", {"n": 1, "x": np.ones(1000)})
    new = {"n": 2, "x": np.zeros(1000)}
    storage = Overtaken(3, lambda: save(tmp_path / "c", new, overwrite=True))
    assert restore(tmp_path / "c", {"n": 0, "x": np.ones(1000)}, file_system=storage).tree["n"] == 2
    assert storage.left == 0
    storage = Overtaken(10**6, lambda: save(tmp_path / "c", new, overwrite=True))
    with pytest.raises(CheckpointError, match=r"no checkpoint|was removed while"):
        restore(tmp_path / "c", {"n": 0, "x": np.ones(1000)}, file_system=storage)


def test_checkpoint_that_is_removed_while_it_is_read_is_absent(tmp_path: Path) -> None:
    save(tmp_path / "c", {"n": 1, "x": np.ones(1000)})
    storage = Overtaken(1, lambda: shutil.rmtree(tmp_path / "c"))
    with pytest.raises(CheckpointError, match=r"no checkpoint|was removed while"):
        restore(tmp_path / "c", {"n": 0, "x": np.ones(1000)}, file_system=storage)


class Failing(LocalFileSystem):
    """Storage whose n-th call fails, as a full or broken disk does."""

    def __init__(self, failing_call: int) -> None:
        self.calls, self.failing_call = 0, failing_call

    def count(self) -> None:
        self.calls += 1
        if self.calls == self.failing_call:
            raise OSError(5, "Input/output error")

    def make_folder(self, path: PurePath) -> None:
        self.count()
        super().make_folder(path)

    def create(self, path: PurePath, size_bytes: int) -> Any:
        self.count()
        return FailingFile(super().create(path, size_bytes), self)

    def sync_folder(self, path: PurePath) -> None:
        self.count()
        super().sync_folder(path)

    def rename(self, source: PurePath, target: PurePath) -> None:
        self.count()
        super().rename(source, target)

    def exchange(self, one: PurePath, other: PurePath) -> None:
        self.count()
        super().exchange(one, other)


class FailingFile:
    """A file of such storage."""

    def __init__(self, file: Any, storage: Failing) -> None:
        self.file, self.storage = file, storage
        self.close = file.close

    def write(self, data: bytes | memoryview) -> None:
        self.storage.count()
        self.file.write(data)

    def sync(self) -> None:
        self.storage.count()
        self.file.sync()


def test_a_failure_at_any_call_leaves_a_whole_checkpoint_and_no_debris(tmp_path: Path) -> None:
    counting = Failing(failing_call=0)
    save(tmp_path / "count" / "c", {"n": 1, "x": np.ones(1000)})
    save(tmp_path / "count" / "c", {"n": 0, "x": np.zeros(1000)}, overwrite=True, file_system=counting)
    assert counting.calls >= 10
    for call in range(1, counting.calls + 1):
        root = tmp_path / f"call-{call}"
        save(root / "c", {"n": 1, "x": np.ones(1000)})
        with pytest.raises(CheckpointError, match=r"could not be saved|did not confirm") as caught:
            save(
                root / "c",
                {"n": 2, "x": np.zeros(1000)},
                overwrite=True,
                file_system=Failing(call),
            )
        assert "Input/output error" in str(caught.value)
        is_last = call == counting.calls  # the folder's sync after the swap: what was replaced stays, out of sight
        assert value_of(root / "c") == (2 if is_last else 1)
        assert len(list(root.iterdir())) == 1 + is_last
        save(root / "c", {"n": 3, "x": np.zeros(1000)}, overwrite=True)
        assert [child.name for child in root.iterdir()] == ["c"]


KILLED = """
import os, signal, sys
import numpy as np
from dovetail_checkpointing import save
from dovetail_checkpointing.storage import native

calls, fatal = 0, int(sys.argv[2])

def dying(function):
    def call(*arguments, **keywords):
        global calls
        calls += 1
        if calls == fatal:
            os.kill(os.getpid(), signal.SIGKILL)
        return function(*arguments, **keywords)
    return call

for name in ("open", "fsync", "rename", "mkdir", "close", "fdopen"):
    setattr(os, name, dying(getattr(os, name)))
native.exchange = dying(native.exchange)  # the swap is a call of the C library, not of os
save(sys.argv[1], {"n": 2, "x": np.zeros(1000)}, overwrite=True)
print(calls)
"""


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL is POSIX's")
def test_killed_before_each_open_sync_close_and_swap_the_old_or_the_new_one_is_whole(tmp_path: Path) -> None:
    target = tmp_path / "step-1"
    seen = set()
    for fatal in range(1, 60):
        save(target, {"n": 1, "x": np.ones(1000)}, overwrite=target.exists())
        done = subprocess.run([sys.executable, "-c", KILLED, target, str(fatal)], capture_output=True, check=False)
        assert latest_checkpoint(tmp_path) == target
        seen.add(value_of(target))
        if done.returncode == 0:
            break
        assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    assert done.returncode == 0, "the save makes more calls than were tried"
    assert fatal > 8
    assert seen == {1, 2}
