"""What is at a path or URL: a checkpoint, an exported program, a folder of such, or a plain file of tensors.

Errors say what is there instead.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from dovetail_protocols.errors import CheckpointCorruptError, CheckpointError

if TYPE_CHECKING:
    from dovetail_checkpointing.storage import Place

MANIFEST, PROGRAM, WEIGHTS = "manifest.json", "program.json", "variables"
QUARANTINE = "quarantine-"
PLAIN = ".safetensors"
_STEP = re.compile(r"step-(\d+)")
_SHARD = re.compile(r".+-\d{5}-of-\d{5}(-[0-9a-f]{16})?\.safetensors")
_SHOWN = 3

Kind = Literal["checkpoint", "program", "folder", "file"]


@dataclass(frozen=True, slots=True)
class Found:
    """What is at a place. `has_manifest` is False for a checkpoint by its name or its other files only."""

    place: Place
    kind: Kind
    has_manifest: bool = True

    def __str__(self) -> str:
        return str(self.place)

    @property
    def name(self) -> str:
        """The last part of its path."""
        return self.place.path.name

    @property
    def checkpoint(self) -> Path | str:
        """The path of the checkpoint in it: of a program, its variables."""
        return (self.place.child(WEIGHTS) if self.kind == "program" else self.place).spelled

    @property
    def is_quarantined(self) -> bool:
        """Whether it was moved out of the way."""
        return self.name.startswith(QUARANTINE)

    @property
    def step(self) -> int | None:
        """The step that its name says."""
        named = _STEP.fullmatch(self.name)
        return int(named[1]) if named else None

    @property
    def saved(self) -> str | None:
        """When its manifest was written, in UTC, or None where that can't be told."""
        if self.place.scheme:
            return None
        path = Path(self.checkpoint)
        try:
            seconds = (path if self.kind == "file" else path / MANIFEST).lstat().st_mtime
        except OSError:
            return None
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")


def find(path: str) -> Found:
    """What is at a path.

    Raises: CheckpointError where there is nothing, or nothing of ours.
    """
    from dovetail_checkpointing.storage import locate

    place = locate(path)
    if path.endswith(PLAIN) and not place.scheme and os.path.isfile(path):
        return Found(place, "file")
    try:
        names = set(place.file_system.list_folder(place.path))
    except FileNotFoundError as error:
        raise nothing_there(path) from error
    except NotADirectoryError as error:
        raise CheckpointError(
            "this is a file, not a checkpoint",
            where=path,
            expected=f"a folder with {MANIFEST} in it, or a file in {PLAIN}",
            fix=_fix_for_file(place.path),
        ) from error
    found = _recognized(place, names)
    if found is not None:
        return found
    if children(place) or any(name.startswith((".tmp-", ".trash-")) or name == ".lock" for name in names):
        return Found(place, "folder")
    listed = ", ".join(sorted(names)[:_SHOWN]) + (", …" if len(names) > _SHOWN else "")
    raise CheckpointError(
        "there is no checkpoint in this folder",
        where=path,
        expected=f"{MANIFEST} (a checkpoint), {PROGRAM} (an exported program), or folders with one of them",
        got=listed or "an empty folder",
    )


def find_one(path: str) -> Found:
    """The checkpoint, program or file at a path.

    Raises: CheckpointError also for a folder of several, naming them; CheckpointCorruptError for a checkpoint that has
    lost its manifest.
    """
    found = find(path)
    if not found.has_manifest:
        raise CheckpointCorruptError(
            "a checkpoint has lost its manifest",
            where=path,
            cause=f"there is no {MANIFEST} in it",
            effect="nothing of it can be trusted",
            fix=f"restore an older step; files in {PLAIN} can still be inspected one by one",
        )
    if found.kind != "folder":
        return found
    inside = [one for one in children(found.place) if not one.is_quarantined]
    names = [child.name for child in inside]
    got, fix = "none that is finished", "`dovetail checkpoint gc --dry-run` shows what is there"
    if inside:
        got, fix = f"{len(names)} of them: {', '.join(names[-_SHOWN:])}", f"name one of them, such as {inside[-1]}"
    raise CheckpointError("this is a folder of checkpoints, not one of them", where=path, got=got, fix=fix)


def children(folder: Place) -> list[Found]:
    """The checkpoints and programs in a folder: others by name, then steps in order, so that the latest is last.

    Links are left out: what they lead to is listed where it is. So are unfinished saves: in an object store these are
    steps without a manifest.
    """
    found = []
    storage = folder.file_system
    for name in storage.list_folder(folder.path):
        place = folder.child(name)
        if name.startswith(".") or (not folder.scheme and os.path.islink(place.path)):
            continue
        try:
            child = _recognized(place, storage.list_folder(place.path))
        except (FileNotFoundError, NotADirectoryError):
            continue
        if child is not None and (child.has_manifest or storage.publishes_by_rename):
            found.append(child)
    return sorted(found, key=lambda one: (-1 if one.step is None else one.step, one.name))


def _recognized(place: Place, names: Collection[str]) -> Found | None:
    """What a folder with such names in it is, if it is anything of ours."""
    if MANIFEST in names:
        return Found(place, "checkpoint")
    if PROGRAM in names:
        return Found(place, "program")
    name = place.path.name
    if _STEP.fullmatch(name) or name.startswith(QUARANTINE) or any(map(_SHARD.fullmatch, names)):
        return Found(place, "checkpoint", has_manifest=False)
    return None


def nothing_there(path: str) -> CheckpointError:
    """The error for a path where there is nothing, with the name that was perhaps meant."""
    if "://" in path:
        return CheckpointError("there is nothing of that name", where=path, fix="check the URL")
    place = Path(path)
    parent = place.parent
    while not parent.is_dir() and parent != parent.parent:
        parent = parent.parent
    wanted = place.relative_to(parent).parts[0]
    names = sorted(child.name for child in parent.iterdir()) if parent.is_dir() else []
    near = get_close_matches(wanted, names, 1)
    shown = [name for name in names if not name.startswith(".")]
    there = f"it has {', '.join(shown[:_SHOWN])}{', …' if len(shown) > _SHOWN else ''}" if shown else "it is empty"
    return CheckpointError(
        "there is nothing of that name",
        where=path,
        cause=f"{parent} has no {wanted}; {there}",
        fix=f"did you mean {parent / near[0]}?" if near else "check the path",
    )


def _fix_for_file(path: Path) -> str:
    if path.name in (MANIFEST, PROGRAM):
        return f"name the folder that it is in: {path.parent}"
    return "`dovetail checkpoint convert` makes a checkpoint of weights in other formats"
