"""Whichever call of storage fails, and how: nothing is lost, nothing is said to be saved that isn't, nobody is locked
out, and a sync that failed is never tried again."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path, PurePath
from typing import Any

import numpy as np
import pytest

from dovetail_checkpointing import LocalFileSystem, Manager, MemoryFileSystem, last, restore, save, verify
from dovetail_checkpointing import open as open_checkpoint
from dovetail_checkpointing.storage import local
from dovetail_protocols.errors import (
    CheckpointCorruptError,
    CheckpointDurabilityError,
    CheckpointError,
    CheckpointSpaceError,
)

from .faulty_storage import Faults

NUMBERS = (errno.EIO, errno.ENOSPC, errno.EDQUOT, errno.EINTR)
NO_ROOM = (errno.ENOSPC, errno.EDQUOT)


def tree(number: int) -> dict[str, Any]:
    return {"model": {"kernel": np.full(3000, number)}, "step": {"number": np.array([number])}}


def first(storage: Any, number: int) -> None:
    save("run/first", tree(number), overwrite=True, file_system=storage)


def next_step(storage: Any, number: int) -> None:
    Manager("run", keep=[last(1)], file_system=storage).save(number, tree(number))


def in_the_background(storage: Any, number: int) -> None:
    manager = Manager("run", keep=[last(1)], file_system=storage)
    manager.save_async(number, tree(number))
    manager.wait()


def replacement(storage: Any, number: int) -> None:
    save("run/c", tree(number), overwrite=True, file_system=storage)


def number_at(storage: Any, path: str | PurePath) -> int | None:
    """What a checkpoint holds, or None where there is none. Raises where it is torn."""
    if not storage.exists(PurePath(path)):
        return None
    found = restore(path, file_system=storage).tree
    number = int(found["step"]["number"][0])
    assert (found["model"]["kernel"] == number).all()
    return number


def newest(storage: Any) -> int | None:
    restored = Manager("run", file_system=storage).restore_latest()
    return None if restored is None else int(restored.tree["step"]["number"][0])


ACTIONS: dict[str, tuple[Callable[[Any, int], None], Callable[[Any], int | None]]] = {
    "first": (first, lambda storage: number_at(storage, "run/first")),
    "next step": (next_step, newest),
    "in the background": (in_the_background, newest),
    "replacement": (replacement, lambda storage: number_at(storage, "run/c")),
}


def before(action: str) -> MemoryFileSystem:
    storage = MemoryFileSystem()
    if action != "first":
        ACTIONS[action][0](storage, 1)
    return storage


@pytest.mark.parametrize("number", NUMBERS, ids=errno.errorcode.get)
@pytest.mark.parametrize("action", ACTIONS)
def test_a_failure_of_any_call_is_told_as_what_it_is_and_loses_nothing(action: str, number: int) -> None:
    act, found = ACTIONS[action]
    counting = Faults()
    act(counting.storage(before(action)), 2)
    assert len(counting.calls) > 25
    kinds = set()
    for call in range(len(counting.calls)):
        storage, faults = before(action), Faults(call, number)
        old = found(storage)
        error = failure_of(lambda: act(faults.storage(storage), 2))  # noqa: B023 - called at once
        if error is None:
            assert found(storage) == 2, faults.hit
        else:
            kinds.add(type(error))
            require_told(error, faults, number)
            require_no_retry(faults)
            assert found(storage) == (2 if is_visible(faults) else old), faults.hit
        act(storage, 3)  # the lock is free
        assert found(storage) == 3
        names = set(storage.list_folder(PurePath("run")))
        assert not any(name.startswith((".tmp-", ".trash-")) for name in names), (faults.hit, names)
    assert CheckpointDurabilityError in kinds
    assert (CheckpointSpaceError in kinds) is (number in NO_ROOM)


def failure_of(act: Callable[[], object]) -> CheckpointError | None:
    try:
        act()
    except CheckpointError as error:
        return error
    return None


def require_told(error: CheckpointError, faults: Faults, number: int) -> None:
    """The class, the cause and the effect are those of the call that failed."""
    assert faults.hit is not None
    assert os.strerror(number) in str(error), (faults.hit, str(error))
    assert error.effect, faults.hit
    if faults.hit.startswith("sync") and not faults.hit.startswith("sync_folder run/.trash"):
        assert type(error) is CheckpointDurabilityError, faults.hit
        assert "do not retry" in str(error)
    elif number not in NO_ROOM or is_visible(faults):
        assert type(error) is CheckpointError, faults.hit
    elif faults.hit.startswith(("create", "write", "make_folder", "rename", "exchange", "lock")):
        assert type(error) is CheckpointSpaceError, faults.hit
    if is_visible(faults):
        assert "untouched" not in str(error.effect) or "is saved" in str(error.effect), faults.hit


def require_no_retry(faults: Faults) -> None:
    """After a sync that failed, that file or folder is not synced again, and nothing is published."""
    assert faults.hit is not None
    if faults.hit.startswith("sync"):
        assert faults.hit not in faults.after
        assert not any(call.startswith(("rename", "exchange", "sync")) for call in faults.after), faults.after


def is_visible(faults: Faults) -> bool:
    """Whether the new checkpoint had its name when the call failed."""
    assert faults.failing is not None
    return any(call.startswith(("rename", "exchange")) for call in faults.calls[: faults.failing])


@pytest.mark.parametrize("action", ACTIONS)
def test_where_everything_fails_from_some_call_on_nothing_is_lost(action: str) -> None:
    """As a disk that has gone: the clean-up fails too."""
    act, found = ACTIONS[action]
    counting = Faults()
    act(counting.storage(before(action)), 2)
    for call in range(len(counting.calls)):
        storage, faults = before(action), Faults(call, errno.EIO, count=1000)
        old = found(storage)
        try:
            act(faults.storage(storage), 2)
        except (CheckpointError, OSError):  # the lock can't be released either
            assert found(storage) in (old, 2)
        storage.forget_locks()
        act(storage, 3)
        assert found(storage) == 3
        assert not any(name.startswith((".tmp-", ".trash-")) for name in storage.list_folder(PurePath("run")))


@pytest.mark.parametrize("number", [errno.EIO, errno.EINTR, errno.EACCES], ids=errno.errorcode.get)
def test_a_failure_of_any_call_while_reading_is_told_and_changes_nothing(number: int) -> None:
    storage = MemoryFileSystem()
    first(storage, 1)
    kernel, step = np.zeros(3000, int), {"number": np.zeros(1, int)}
    actions: list[Callable[[Any], object]] = [
        lambda faulty: restore("run/first", {"model": {"kernel": kernel}, "step": step}, file_system=faulty),
        lambda faulty: open_checkpoint("run/first", file_system=faulty).read("model/kernel"),
        lambda faulty: restore("run/first", verify="full", file_system=faulty),
    ]
    for act in actions:
        counting = Faults()
        act(counting.storage(storage))
        assert len(counting.calls) > 4
        for call in range(len(counting.calls)):
            faults = Faults(call, number)
            with pytest.raises(CheckpointError) as caught:
                act(faults.storage(storage))
            assert os.strerror(number) in str(caught.value), faults.hit
            assert "there is no checkpoint" not in str(caught.value), faults.hit
            assert not isinstance(caught.value, CheckpointCorruptError) or number == errno.EIO, faults.hit
        assert not kernel.any()


def test_a_failure_while_verifying_is_told_as_damage_or_raised() -> None:
    storage = MemoryFileSystem()
    first(storage, 1)
    counting = Faults()
    assert verify("run/first", file_system=counting.storage(storage)).is_sound
    for call in range(len(counting.calls)):
        faulty = Faults(call).storage(storage)
        try:
            told = verify("run/first", file_system=faulty).damages[0].what
        except CheckpointError as error:
            told = str(error)
        assert os.strerror(errno.EIO) in told


# The calls of the system below


def test_writes_that_take_only_some_bytes_are_gone_on_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    taken = []

    def short(descriptor: int, data: memoryview) -> int:
        count = write(descriptor, data[:997])
        taken.append(count)
        return count

    write = os.write
    monkeypatch.setattr(local.os, "write", short)
    save(tmp_path / "c", tree(1))
    monkeypatch.undo()
    assert len(taken) > 30
    assert number_at(LocalFileSystem(), tmp_path / "c") == 1


def test_reads_that_give_only_some_bytes_are_gone_on_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(tmp_path / "c", tree(1))
    whole = local._read_at
    monkeypatch.setattr(local, "_read_at", lambda descriptor, buffer, offset: whole(descriptor, buffer[:997], offset))
    assert number_at(LocalFileSystem(), tmp_path / "c") == 1


@pytest.mark.parametrize("name", ["open", "mkdir", "rename", "fsync", "write", "unlink", "close"])
@pytest.mark.parametrize("number", NUMBERS, ids=errno.errorcode.get)
def test_a_failure_of_any_call_of_the_system_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, number: int
) -> None:
    call = getattr(os, name)
    for failing in range(40):
        target = tmp_path / str(failing) / "run" / "c"
        save(target.with_name("old"), tree(1))
        count = 0

        def failing_call(*arguments: Any, failing: int = failing, **options: Any) -> Any:
            nonlocal count
            count += 1
            if count - 1 == failing:
                if name == "close":
                    call(*arguments)  # Linux closes the descriptor also where it tells of an error
                raise OSError(number, os.strerror(number))
            return call(*arguments, **options)

        monkeypatch.setattr(os, name, failing_call)
        error = failure_of(lambda: save(target, tree(2)))  # noqa: B023 - called at once
        monkeypatch.undo()
        assert error is None or os.strerror(number) in str(error)
        assert number_at(LocalFileSystem(), target) in ((2,) if error is None else (None, 2))
        assert number_at(LocalFileSystem(), target.with_name("old")) == 1
        save(target, tree(3), overwrite=target.exists())
        assert number_at(LocalFileSystem(), target) == 3
        assert sorted(child.name for child in target.parent.iterdir()) == ["c", "old"]
        if count <= failing:
            break
    else:
        pytest.fail("there are more calls than were tried")
