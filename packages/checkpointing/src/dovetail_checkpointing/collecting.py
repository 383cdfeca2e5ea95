"""What interrupted saves and removals left behind: finding it, and removing it once nobody works on it."""

from __future__ import annotations

import logging
import re
import secrets
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path, PurePath

from dovetail_protocols.errors import CheckpointBusyError, CheckpointUnsafeError

from .manifest import NAME
from .storage import FileSystem, Place

_log = logging.getLogger("dovetail.checkpointing")
STEP = re.compile(r"step-(\d+)")
"""The names of checkpoints in the folder of a Manager."""
_LEFTOVER = re.compile(r"\.(tmp|trash)-(.+)-[0-9a-f]{16}")


@dataclass(frozen=True, slots=True)
class Leftover:
    """An unfinished save, or a removal that was not finished; `name`: of the checkpoint that it was."""

    path: Path
    name: str
    is_removal: bool
    size_bytes: int

    def __str__(self) -> str:
        what = "an unfinished removal" if self.is_removal else "an unfinished save"
        return f"{what} of {self.name}, {self.size_bytes:,} bytes"


def lock_name(name: str) -> str:
    """The file that is locked while a checkpoint of a name is written."""
    return f".{name}.lock"


def leftovers(root: Place, name: str | None = None) -> list[Leftover]:
    """What lies unfinished in a folder: all of it, or that of one checkpoint; somebody may be at work on it.

    In an object store these are the steps without a manifest.
    """
    found = []
    storage = root.file_system
    try:
        children = storage.list_folder(root.path)
    except FileNotFoundError:
        return []
    for child in sorted(children):
        if not storage.publishes_by_rename:
            path = root.path / child
            if STEP.fullmatch(child) and name in (None, child) and not storage.exists(path / NAME):
                found.append(Leftover(path, child, False, _size(storage, path)))
            continue
        match = _LEFTOVER.fullmatch(child)
        if match and name in (None, match[2]):
            path = root.path / child
            found.append(Leftover(path, match[2], match[1] == "trash", _size(root.file_system, path)))
    return found


def collect(
    root: Place,
    name: str | None = None,
    *,
    dry_run: bool = False,
    is_locked: bool = False,
    sync: Callable[[PurePath], None] | None = None,
) -> list[Leftover]:
    """Removes what lies unfinished in a folder and nobody works on; gives it.

    With `dry_run` it is only named. `is_locked`: the caller holds the lock of `name` already. `sync` makes the names of
    a folder durable, by default as storage does.
    """
    found = leftovers(root, name)
    if found and not dry_run:
        # What was put out of sight by a process that was killed at once may be what a power cut would bring back.
        (sync or root.file_system.sync_folder)(root.path)
    removed = []
    for leftover in found:
        if is_locked:
            removed.append(_removed(root, leftover, dry_run))
            continue
        try:
            lock = root.file_system.lock(root.path / lock_name(leftover.name), keep=False)
        except CheckpointBusyError:
            continue
        try:
            if root.file_system.exists(leftover.path):  # else another has removed it before we got the lock
                removed.append(_removed(root, leftover, dry_run))
        finally:
            lock.release()
    return removed


def remove_checkpoint(place: Place) -> None:
    """Takes a checkpoint out of sight in one step, durably, then deletes it: none is ever seen half deleted.

    Raises: OSError; CheckpointBusyError where somebody writes there.
    """
    storage = place.file_system
    lock = storage.lock(place.path.with_name(lock_name(place.path.name)), keep=False)
    try:
        folder = place.path
        if storage.publishes_by_rename:
            folder = place.path.with_name(f".trash-{place.path.name}-{secrets.token_hex(8)}")
            storage.rename(place.path, folder)
        with suppress(OSError):  # it is out of sight; what stays of it the next save removes
            if storage.publishes_by_rename:
                storage.sync_folder(folder.parent)
            remove_tree(storage, folder)
    finally:
        lock.release()


def _removed(root: Place, leftover: Leftover, dry_run: bool) -> Leftover:
    if not dry_run:
        remove_tree(root.file_system, leftover.path)
        _log.warning("%s: removed %s", root, leftover)
    return leftover


def remove_tree(storage: FileSystem, folder: PurePath) -> None:
    """Removes a folder and all that is in it, a manifest first: who reads the checkpoint meanwhile knows by that."""
    for name in sorted(storage.list_folder(folder), key=lambda name: (name != NAME, name)):
        try:
            storage.remove_file(folder / name)
        except (IsADirectoryError, PermissionError):  # the latter is what macOS says of a folder
            remove_tree(storage, folder / name)
    storage.remove_folder(folder)


def _size(storage: FileSystem, folder: PurePath, *, is_inside: bool = False) -> int:
    """The bytes of the files in a folder, and in those that it has, as exports do."""
    total = 0
    with suppress(OSError), closing(storage.open_folder(folder)) as opened:
        for name in storage.list_folder(folder):
            try:
                with closing(opened.open(name)) as file:
                    total += file.size_bytes
            except CheckpointUnsafeError:  # no file
                total += 0 if is_inside else _size(storage, folder / name, is_inside=True)
    return total
