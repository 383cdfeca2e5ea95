"""The commit: a folder of files becomes visible whole and durable, or not at all.

Each step, and why no other order will do, is told in docs/checkpoints/commit.md. After a crash at any moment the target
is what it was before or the whole new folder; what was not finished is removed by the next save (collecting.py).
"""

from __future__ import annotations

import errno
import secrets
from collections.abc import Callable, Iterable
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import PurePath
from typing import TYPE_CHECKING, Literal

from dovetail_protocols.errors import (
    CheckpointBusyError,
    CheckpointDurabilityError,
    CheckpointError,
    CheckpointSpaceError,
)

from .collecting import lock_name, remove_tree
from .storage import FileSystem, Place, WritableFile

if TYPE_CHECKING:
    from collections.abc import Iterator

Durability = Literal["power-loss", "process"]
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_RESERVE_BYTES = 1 << 20
"""Room that a save leaves free besides its own: for the manifest, folders and what else is going on."""


_UNTOUCHED = "nothing was saved; earlier checkpoints are untouched"
_VISIBLE = "the new checkpoint is in place, but may not survive a power cut; nothing older was removed"
_UNKNOWN = "whether the new checkpoint is in place is not known; nothing older was removed"


class SyncFailed(Exception):
    """A sync raised: its cause. After that nothing of the file is known, so the save is given up, never tried again."""

    def __init__(self, what: PurePath, effect: str) -> None:
        super().__init__(str(what))
        self.what, self.effect = what, effect


class Staging:
    """A folder under way to `target`. Files are created in it, synced, and published together. `suffix` belongs into
    the name of each data file. `name`: of the folder, where another process made it."""

    suffix = ""

    def __init__(self, target: Place, durability: Durability, name: str | None = None) -> None:
        self.target, self.durability = target, durability
        self.storage: FileSystem = target.file_system
        self.folder = target.path.with_name(name or f".tmp-{target.path.name}-{secrets.token_hex(8)}")
        self.needed_bytes: int | None = None
        self._is_visible = False

    def open(self, needed_bytes: int) -> None:
        """Makes the folder.

        Raises: CheckpointSpaceError where there is not enough room, before anything is made.
        """
        self.needed_bytes = needed_bytes
        free = self.storage.free_bytes(self.folder.parent)
        if free is not None and free < needed_bytes + _RESERVE_BYTES:
            raise no_room(self.target, needed_bytes, free)
        self.storage.make_folder(self.folder)

    def inside(self, name: str) -> Staging:
        """A folder in it, made now; it becomes visible with this one."""
        inner = Staging(self.target.child(name), self.durability)
        inner.folder = self.folder / name
        self.storage.make_folder(inner.folder)
        return inner

    def create(self, name: str, size_bytes: int) -> WritableFile:
        """A new file in the folder."""
        return self.storage.create(self.folder / name, size_bytes)

    def sync(self, file: WritableFile, name: str) -> None:
        """Makes a file's contents durable."""
        if self.durability == "process":
            return
        try:
            file.sync()
        except OSError as error:
            raise SyncFailed(self.folder / name, _UNTOUCHED) from error

    def sync_folder(self, folder: PurePath, *, is_visible: bool = False) -> None:
        """Makes the names in a folder durable."""
        if self.durability == "power-loss":
            _sync_folder(self.storage, folder, is_visible=is_visible)

    def write_durably(self, name: str, data: bytes) -> None:
        """Creates a file with these contents."""
        file = self.create(name, len(data))
        try:
            file.write(data)
            self.sync(file, name)
        finally:
            file.close()

    def publish(self, *, replaces: bool) -> None:
        """Makes the folder visible under its name, then durable. What it replaces is then in `folder`."""
        self.sync_folder(self.folder)
        self._is_visible = True  # before it is, so that an interrupt in between can't remove what was replaced
        try:
            if replaces:
                self.storage.exchange(self.folder, self.target.path)
            else:
                self.storage.rename(self.folder, self.target.path)
        except OSError:
            self._is_visible = False
            raise
        self.sync_folder(self.target.path.parent, is_visible=True)

    def discard(self) -> None:
        """Removes what is in the staging folder, as far as storage lets us. Once it is visible nothing is removed: the
        folder holds what was replaced, which a power cut might bring back."""
        if not self._is_visible:
            with suppress(OSError):
                remove_tree(self.storage, self.folder)

    def adopt(self, names: Iterable[str]) -> None:
        """Takes on files in the folder that other processes created."""

    def remove_replaced(self) -> None:
        """Removes what was replaced, now that it is out of sight; what stays of it the next save removes."""
        with suppress(OSError):
            remove_tree(self.storage, self.folder)


class ObjectStaging(Staging):
    """The same in an object store, where nothing can be renamed: files are written to their place under names that no
    other save has, and the manifest last, which makes them a checkpoint. Of two saves to one target the one whose
    manifest is second fails."""

    def __init__(self, target: Place, durability: Durability, *, replaces: bool) -> None:
        super().__init__(target, durability)
        self.folder, self.suffix = target.path, f"-{secrets.token_hex(8)}"
        self._replaces = replaces
        self._created: list[PurePath] = []

    def open(self, needed_bytes: int) -> None:
        """Nothing needs to be made: a folder is but the beginning of names."""

    def inside(self, name: str) -> ObjectStaging:
        """The names that go on with this one."""
        inner = ObjectStaging(self.target.child(name), self.durability, replaces=self._replaces)
        inner._created = self._created
        return inner

    def create(self, name: str, size_bytes: int) -> WritableFile:
        """A new file, or in place of the one that is there, where the save replaces a checkpoint."""
        return self.storage.create(self.folder / name, size_bytes, replaces=self._replaces)

    def sync(self, file: WritableFile, name: str) -> None:
        """Hands a file over; before that it is not there, however long the process lives."""
        is_data = self.suffix in name
        try:
            file.sync()
        except FileExistsError:
            raise
        except OSError as error:
            # A manifest whose answer was lost may be there, or come to be: the data that it names must stay.
            self._is_visible = not is_data
            raise SyncFailed(self.folder / name, _UNTOUCHED if is_data else _UNKNOWN) from error
        self._created.append(self.folder / name)

    def adopt(self, names: Iterable[str]) -> None:
        """Takes on files that other processes created; they are published, or discarded, with those of this one."""
        self._created.extend(self.folder / name for name in names)

    def publish(self, *, replaces: bool) -> None:
        """The manifest was written last: it is done."""
        self._is_visible = True

    def discard(self) -> None:
        """Removes the files that were handed over."""
        if not self._is_visible:
            for path in self._created:
                with suppress(OSError):
                    self.storage.remove_file(path)

    def remove_replaced(self) -> None:
        """Removes data files that the new manifest doesn't name."""
        with suppress(OSError):
            for name in self.storage.list_folder(self.folder):
                if self.folder / name not in self._created:
                    self.storage.remove_file(self.folder / name)


@contextmanager
def staged(target: Place, durability: Durability, *, replaces: bool = False) -> Iterator[Staging]:
    """A Staging under the lock of its target, which it `replaces` or not. What fails inside leaves the target as it
    was, raises a CheckpointError, and what was written so far is removed."""
    by_rename = target.file_system.publishes_by_rename
    staging = Staging(target, durability) if by_rename else ObjectStaging(target, durability, replaces=replaces)
    with ExitStack() as cleaning, clear_errors(target, staging):
        if by_rename:
            make_parents(staging.storage, target.path, staging.sync_folder)
        lock = staging.storage.lock(target.path.with_name(lock_name(target.path.name)), keep=False)
        cleaning.callback(lock.release)
        try:
            yield staging
        except BaseException:
            staging.discard()
            raise


def joined(target: Place, durability: Durability, name: str) -> Staging:
    """The Staging of a save that another process leads; `name`: of the folder that it made."""
    if target.file_system.publishes_by_rename:
        return Staging(target, durability, name)
    return ObjectStaging(target, durability, replaces=False)


@contextmanager
def folder_locked(root: Place, lock_name: str) -> Iterator[None]:
    """The lock of a whole folder of checkpoints, which is made if need be.

    Raises: CheckpointBusyError, CheckpointDurabilityError, CheckpointError.
    """
    storage, path = root.file_system, root.path / lock_name
    with clear_errors(root):
        if storage.publishes_by_rename:
            make_parents(storage, path, partial(_sync_folder, storage))
        lock = storage.lock(path, keep=True)
    try:
        yield
    finally:
        lock.release()


@contextmanager
def clear_errors(target: Place, staging: Staging | None = None) -> Iterator[None]:
    """Turns what storage fails with in the body of a `with` into a CheckpointError that says what it means."""
    try:
        yield
    except SyncFailed as failed:
        raise _not_durable(target, failed) from failed.__cause__
    except OSError as error:
        if isinstance(error, FileExistsError) or error.errno == errno.ENOTEMPTY:
            raise CheckpointBusyError(
                "somebody else has saved there meanwhile",
                where=str(target),
                cause=str(error),
                effect="the other one's checkpoint is there; nothing of it was changed",
                fix="save to another path, or again, with overwrite=True, to replace it",
            ) from error
        raise _failed(target, error, None if staging is None else staging.needed_bytes) from error


def _sync_folder(storage: FileSystem, folder: PurePath, *, is_visible: bool = False) -> None:
    try:
        storage.sync_folder(folder)
    except OSError as error:
        if isinstance(error, PermissionError) and not is_visible:
            raise  # it was not even tried
        raise SyncFailed(folder, _VISIBLE if is_visible else _UNTOUCHED) from error


def make_parents(storage: FileSystem, path: PurePath, sync: Callable[[PurePath], None]) -> None:
    """Makes the folders that a path is in, each durable before the next. The innermost of those that are there is made
    durable too: who made it may have been killed before it got to that."""
    missing = []
    there = path.parent
    while not storage.exists(there) and there != there.parent:
        missing.append(there)
        there = there.parent
    if there != there.parent:
        with suppress(PermissionError):  # a folder that we may not even look into wasn't made by the likes of us
            sync(there.parent)
    for folder in reversed(missing):
        with suppress(FileExistsError):  # somebody else made it meanwhile
            storage.make_folder(folder)
        sync(folder.parent)


def no_room(target: Place, needed: int | None, free: int | None, cause: object = None) -> CheckpointSpaceError:
    """The error for storage that is full."""
    mount = target.file_system.mount(target.parent.path)
    return CheckpointSpaceError(
        "there is no room for a checkpoint",
        where=str(target) if mount is None else f"{target}, on what is mounted at {mount}",
        expected=None if needed is None else f"{needed + _RESERVE_BYTES:,} bytes free",
        got=None if free is None else f"{free:,} bytes free",
        cause=cause,
        effect=_UNTOUCHED,
        fix=f"make room; `dovetail checkpoint gc {target.parent} --dry-run` shows what unfinished saves take up",
    )


def _failed(target: Place, error: OSError, needed_bytes: int | None) -> CheckpointError:
    """The error for storage that failed before anything was visible."""
    cause = f"{type(error).__name__}: {error}"
    if error.errno in _NO_ROOM:
        free = None
        with suppress(OSError):
            free = target.file_system.free_bytes(target.path.parent)
        return no_room(target, needed_bytes, free, cause)
    if error.errno == errno.ENOTSUP:
        return CheckpointError(
            "this system can't replace a checkpoint in one step",
            where=str(target),
            cause=cause,
            effect="what was there before is untouched",
            fix="save to a new path for each step instead",
        )
    return CheckpointError(
        "a checkpoint could not be saved", where=str(target), cause=cause, effect="what was there before is untouched"
    )


def _not_durable(target: Place, failed: SyncFailed) -> CheckpointDurabilityError:
    return CheckpointDurabilityError(
        "storage did not confirm that a checkpoint is durable: most likely the device is failing",
        where=str(target),
        cause=f"syncing {failed.what}: {failed.__cause__}",
        effect=failed.effect,
        fix="do not retry there: check the device, and save to other storage",
    )
