"""What every FileSystem does, whatever it is made of."""

from __future__ import annotations

import os
import uuid
from pathlib import Path, PurePath
from typing import Any

import pytest
from fsspec.implementations.local import LocalFileSystem as RemoteLocal
from fsspec.implementations.memory import MemoryFileSystem as RemoteMemory

from dovetail_checkpointing import LocalFileSystem, MemoryFileSystem
from dovetail_checkpointing.storage import ObjectStore, object_store
from dovetail_protocols.errors import CheckpointBusyError, CheckpointUnsafeError

LARGE = 3 << 20
"""More than an object store is given at once, in these tests."""


@pytest.fixture(autouse=True)
def streamed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(object_store, "_AT_ONCE_BYTES", 1 << 20)


@pytest.fixture(params=["local", "memory", "fsspec's memory", "fsspec's local"])
def storage(request: pytest.FixtureRequest) -> Any:
    made = {
        "local": LocalFileSystem,
        "memory": MemoryFileSystem,
        "fsspec's memory": lambda: ObjectStore(RemoteMemory()),
        "fsspec's local": lambda: ObjectStore(RemoteLocal()),
    }
    return made[request.param]()


@pytest.fixture
def root(storage: Any, tmp_path: Path) -> Path:
    folder = tmp_path / uuid.uuid4().hex
    if isinstance(storage, MemoryFileSystem):
        for parent in reversed(folder.parents[:-1]):
            storage.make_folder(parent)
    storage.make_folder(folder)
    return folder


def write(storage: Any, path: PurePath, *parts: bytes, **options: Any) -> None:
    file = storage.create(path, sum(map(len, parts)), **options)
    try:
        for part in parts:
            file.write(part)
        file.sync()
    finally:
        file.close()


def read(storage: Any, path: PurePath, offset: int, size: int) -> bytes:
    folder = storage.open_folder(path.parent)
    file = folder.open(path.name)
    buffer = bytearray(size)
    count = file.read_into(offset, memoryview(buffer))
    file.close()
    folder.close()
    return bytes(buffer[:count])


def test_a_read_fills_buffers_one_after_the_other(storage: Any, root: Path) -> None:
    sizes = [5, 0, 1, *(index % 7 for index in range(3000)), 4096, 9]
    data = os.urandom(3 + sum(sizes))
    write(storage, root / "file", data)
    buffers = [bytearray(size) for size in sizes]
    folder = storage.open_folder(root)
    file = folder.open("file")
    assert file.read_into(3, *map(memoryview, buffers)) == sum(sizes)
    assert b"".join(buffers) == data[3:]
    late = [bytearray(4), bytearray(b"12"), bytearray(b"3")]
    assert file.read_into(len(data) - 5, *map(memoryview, late)) == 5, "there is no more"
    assert late == [data[-5:-1], data[-1:] + b"2", b"3"]
    file.close()
    folder.close()


@pytest.mark.parametrize("size", [0, 1, 1000, LARGE])
def test_what_is_written_is_read_from_any_offset(storage: Any, root: Path, size: int) -> None:
    data = os.urandom(size)
    write(storage, root / "file", data[: size // 3], memoryview(data)[size // 3 :])
    folder = storage.open_folder(root)
    file = folder.open("file")
    assert file.size_bytes == size
    assert bytes(file.map()) == data
    file.close()
    folder.close()
    for offset, count in ((0, size), (size // 2, 7), (max(size - 3, 0), 10), (size, 1), (size + 5, 1)):
        assert read(storage, root / "file", offset, count) == data[offset : offset + count]


def test_names_are_listed_and_looked_for(storage: Any, root: Path) -> None:
    write(storage, root / "a", b"1")
    write(storage, root / "b", b"2")
    assert sorted(storage.list_folder(root)) == ["a", "b"]
    assert storage.exists(root / "a")
    assert not storage.exists(root / "c")
    storage.remove_file(root / "a")
    assert sorted(storage.list_folder(root)) == ["b"]
    storage.remove_file(root / "b")
    storage.remove_folder(root)
    assert not storage.exists(root)


def test_a_file_that_is_there_is_not_created_again(storage: Any, root: Path) -> None:
    write(storage, root / "file", b"first")
    with pytest.raises(FileExistsError):
        write(storage, root / "file", b"second")
    assert read(storage, root / "file", 0, 9) == b"first"


def test_a_folder_is_no_file(storage: Any, root: Path) -> None:
    storage.make_folder(root / "inner")
    write(storage, root / "inner" / "file", b"1")
    with pytest.raises((IsADirectoryError, PermissionError)):
        storage.remove_file(root / "inner")
    folder = storage.open_folder(root)
    with pytest.raises((CheckpointUnsafeError, FileNotFoundError)):
        folder.open("inner")
    folder.close()


def test_what_is_not_there_is_said(storage: Any, root: Path) -> None:
    with pytest.raises(FileNotFoundError):
        storage.list_folder(root / "nowhere")
    with pytest.raises(FileNotFoundError):
        read(storage, root / "nowhere", 0, 1)


def test_a_lock_can_be_taken_again_after_it_was_released(storage: Any, root: Path) -> None:
    for keep in (False, True, False):
        storage.lock(root / "lock", keep=keep).release()


@pytest.mark.parametrize("storage", ["local", "memory"], indirect=True)
def test_a_folder_takes_a_free_name_or_swaps_it_and_a_reader_keeps_its_own(storage: Any, root: Path) -> None:
    for name in "ab":
        storage.make_folder(root / name)
        write(storage, root / name / "file", name.encode())
    opened = storage.open_folder(root / "a")
    with pytest.raises(OSError, match="not empty"):
        storage.rename(root / "a", root / "b")
    storage.exchange(root / "a", root / "b")
    assert read(storage, root / "a" / "file", 0, 1) == b"b"
    storage.rename(root / "a", root / "c")
    assert sorted(storage.list_folder(root)) == ["b", "c"]
    with pytest.raises(OSError, match="not empty"):
        storage.remove_folder(root / "c")
    with pytest.raises(FileExistsError):
        storage.make_folder(root / "c")
    file = opened.open("file")
    buffer = bytearray(1)
    file.read_into(0, memoryview(buffer))
    assert buffer == b"a"
    file.close()
    opened.close()


@pytest.mark.parametrize("storage", ["local", "memory"], indirect=True)
def test_a_lock_is_held_once_and_leaves_its_file_only_if_it_shall(storage: Any, root: Path) -> None:
    for keep in (False, True):
        lock = storage.lock(root / "lock", keep=keep)
        with pytest.raises(CheckpointBusyError):
            storage.lock(root / "lock", keep=keep)
        assert storage.exists(root / "lock")
        lock.release()
        lock.release()
        assert storage.exists(root / "lock") is keep


@pytest.mark.parametrize("remote", [RemoteMemory, RemoteLocal])
@pytest.mark.parametrize("size", [10, LARGE])
def test_where_nothing_is_renamed_a_file_is_replaced_and_one_not_synced_is_not_there(
    tmp_path: Path, remote: Any, size: int
) -> None:
    storage, path = ObjectStore(remote()), tmp_path / "file"
    write(storage, path, bytes(size))
    write(storage, path, b"new", replaces=True)
    assert read(storage, path, 0, 9) == b"new"
    given_up = storage.create(tmp_path / "half", size)
    given_up.write(bytes(size // 2))
    given_up.close()
    assert not storage.exists(tmp_path / "half")
