"""Quarantine: a damaged checkpoint is moved out of the way, where nothing takes it for a step or deletes it."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from dovetail_protocols.errors import CheckpointDurabilityError, CheckpointError, CheckpointUnsafeError

from .collecting import lock_name
from .storage import FileSystem, Place, locate

PREFIX = "quarantine-"


def quarantine(path: str | os.PathLike[str], *, file_system: FileSystem | None = None) -> Path | str:
    """Renames a checkpoint to `quarantine-<its name>-<16 hex digits>` beside it, durably; gives the new path.

    No step has such a name, so the latest step is then an older one, and no retention removes it. It is one rename:
    after a crash the checkpoint has its old name or the new one. It may be damaged in any way; what is in it is not
    looked at.

    Raises: CheckpointError where there is no folder, or storage can't rename; CheckpointUnsafeError for a link;
    CheckpointBusyError where somebody writes there; CheckpointDurabilityError.
    """
    place = locate(path, file_system)
    storage = place.file_system
    if not storage.publishes_by_rename:
        raise CheckpointError("this storage can't rename a checkpoint", where=str(place), fix="copy it, then delete it")
    target = place.parent.child(f"{PREFIX}{place.path.name}-{secrets.token_hex(8)}")
    try:
        storage.list_folder(place.path)
        if not place.scheme and place.path.is_symlink():
            raise CheckpointUnsafeError(
                "this is a link, not a checkpoint", where=str(place), effect="nothing was moved", fix="name its target"
            )
        lock = storage.lock(place.path.with_name(lock_name(place.path.name)), keep=False)
    except OSError as error:
        raise _failed(place, error) from error
    try:
        _rename(place, target)
    finally:
        lock.release()
    return target.spelled


def _rename(place: Place, target: Place) -> None:
    try:
        place.file_system.rename(place.path, target.path)
    except OSError as error:
        raise _failed(place, error) from error
    try:
        place.file_system.sync_folder(target.path.parent)
    except OSError as error:
        raise CheckpointDurabilityError(
            "storage did not confirm that a rename is durable: most likely the device is failing",
            where=str(place),
            cause=f"syncing {target.parent}: {error}",
            effect=f"the checkpoint is now {target}, but may have its old name again after a power cut",
        ) from error


def _failed(place: Place, error: OSError) -> CheckpointError:
    return CheckpointError(
        "a checkpoint could not be moved out of the way",
        where=str(place),
        cause=f"{type(error).__name__}: {error}",
        effect="nothing was changed",
        fix="check the path, and that its folder may be written to",
    )
