"""The checkpoints of a folder: which steps there are, and which is the latest."""

from __future__ import annotations

import os
from pathlib import Path

from dovetail_protocols.errors import (
    CheckpointCorruptError,
    CheckpointError,
    CheckpointUnsafeError,
    CheckpointVersionError,
)

from .collecting import STEP
from .object_tree import shown
from .opening import is_absence
from .reading import Reader, read_manifest
from .storage import FileSystem, Place, locate

VARIABLE_SUFFIX = "/.ATTRIBUTES/VARIABLE_VALUE"


def step_name(step: object) -> str:
    """The folder of a step; of what is no step, a name for errors."""
    return f"step-{step!s:0>12}"


def list_variables(path: str | os.PathLike[str]) -> list[tuple[str, tuple[int, ...]]]:
    """Object path and shape of every tensor, such as ("net/l1/kernel/.ATTRIBUTES/VARIABLE_VALUE", (5, 1)), sorted."""
    return sorted((shown(record.path) + VARIABLE_SUFFIX, record.shape) for record in read_manifest(path).tensors)


def latest_checkpoint(root: str | os.PathLike[str], *, file_system: FileSystem | None = None) -> Path | str | None:
    """The folder `step-N` of the highest N in `root` whose manifest can be read, or None.

    Unfinished saves don't count.

    Raises: CheckpointError where storage fails to say.
    """
    latest = latest_place(locate(root, file_system))
    return None if latest is None else latest.spelled


def latest_place(root: Place) -> Place | None:
    """The same of a place."""
    for _, step in reversed(step_places(root)):
        try:
            with Reader(step, verify="header"):
                return step
        except (CheckpointCorruptError, CheckpointUnsafeError, CheckpointVersionError):
            continue
        except CheckpointError as error:
            if not is_absence(error):  # for want of rights, say: an older step would be taken for the latest
                raise
    return None


def step_places(root: Place) -> list[tuple[int, Place]]:
    """The places `step-N` in `root` with their N, ascending; whether they can be read is not asked."""
    try:
        names = root.file_system.list_folder(root.path)
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise CheckpointError(
            "a folder of checkpoints can't be listed",
            where=str(root),
            cause=f"{type(error).__name__}: {error}",
            effect="nothing was changed",
        ) from error
    return sorted(
        ((int(match[1]), root.child(name)) for name in names if (match := STEP.fullmatch(name))),
        key=lambda found: found[0],
    )
