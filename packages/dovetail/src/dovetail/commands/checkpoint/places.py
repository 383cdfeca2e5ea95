"""What is at a path: a checkpoint, an exported program, or a folder of such. Errors say what is there instead."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Literal

from dovetail_protocols.errors import CheckpointCorruptError, CheckpointError

MANIFEST, PROGRAM, WEIGHTS = "manifest.json", "program.json", "variables"
LOST = f"there is no {MANIFEST} in it"
QUARANTINE = "quarantine-"
_STEP = re.compile(r"step-(\d+)")
_SHARD = re.compile(r".+-\d{5}-of-\d{5}\.safetensors")
_SHOWN = 3

Kind = Literal["checkpoint", "program", "folder"]


@dataclass(frozen=True, slots=True)
class Found:
    """What is at a path."""

    path: Path
    kind: Kind

    @property
    def checkpoint(self) -> Path:
        """The checkpoint in it: of a program, its variables."""
        return self.path / WEIGHTS if self.kind == "program" else self.path

    @property
    def has_lost_manifest(self) -> bool:
        """Whether it is a checkpoint by its name or its other files only."""
        return self.kind == "checkpoint" and not os.path.lexists(self.path / MANIFEST)

    @property
    def is_quarantined(self) -> bool:
        """Whether it was moved out of the way."""
        return self.path.name.startswith(QUARANTINE)

    @property
    def step(self) -> int | None:
        """The step that its name says."""
        named = _STEP.fullmatch(self.path.name)
        return int(named[1]) if named else None

    @property
    def saved(self) -> str:
        """When its manifest was written, in UTC, or "" where that can't be told."""
        try:
            seconds = (self.checkpoint / MANIFEST).lstat().st_mtime
        except OSError:
            return ""
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")


def find(path: str) -> Found:
    """What is at a path.

    Raises: CheckpointError where there is nothing, or nothing of ours.
    """
    place = Path(path)
    try:
        names = {child.name for child in place.iterdir()}
    except FileNotFoundError as error:
        raise nothing_there(path) from error
    except NotADirectoryError as error:
        raise CheckpointError(
            "this is a file, not a checkpoint",
            where=path,
            expected=f"a folder with {MANIFEST} in it",
            fix=_fix_for_file(place),
        ) from error
    if MANIFEST in names:
        return Found(place, "checkpoint")
    if PROGRAM in names:
        return Found(place, "program")
    if _STEP.fullmatch(place.name) or any(map(_SHARD.fullmatch, names)):
        return Found(place, "checkpoint")  # which has lost its manifest
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
    """The checkpoint or program at a path.

    Raises: CheckpointError also for a folder of several, naming them; CheckpointCorruptError for a checkpoint that has
    lost its manifest.
    """
    found = find(path)
    if found.has_lost_manifest:
        raise CheckpointCorruptError(
            "a checkpoint has lost its manifest",
            where=path,
            cause=LOST,
            effect="nothing of it can be trusted",
            fix="restore an older step",
        )
    if found.kind != "folder":
        return found
    inside = [one for one in children(found.path) if not one.is_quarantined]
    names = [child.path.name for child in inside]
    latest = inside[-1].path if inside else None
    raise CheckpointError(
        "this is a folder of checkpoints, not one of them",
        where=path,
        got=f"{len(names)} of them: {', '.join(names[-_SHOWN:])}" if names else "none that is finished",
        fix=f"name one of them, such as {latest}"
        if latest
        else "`dovetail checkpoint gc --dry-run` shows what is there",
    )


def children(folder: Path) -> list[Found]:
    """The checkpoints and programs in a folder: others by name, then steps in order, so that the latest is last.

    Links are left out: what they lead to is listed where it is.
    """
    found = []
    for child in folder.iterdir():
        if child.name.startswith(".") or child.is_symlink() or not child.is_dir():
            continue
        if (child / PROGRAM).exists():
            found.append(Found(child, "program"))
        elif (child / MANIFEST).exists() or _STEP.fullmatch(child.name) or child.name.startswith(QUARANTINE):
            found.append(Found(child, "checkpoint"))
    return sorted(found, key=lambda one: (-1 if one.step is None else one.step, one.path.name))


def nothing_there(path: str) -> CheckpointError:
    """The error for a path where there is nothing, with the name that was perhaps meant."""
    place = Path(path)
    parent = place.parent
    while not parent.is_dir() and parent != parent.parent:
        parent = parent.parent
    wanted = place.relative_to(parent).parts[0]
    near = get_close_matches(wanted, [child.name for child in parent.iterdir()] if parent.is_dir() else [], 1)
    return CheckpointError(
        "there is nothing of that name",
        where=str(place),
        cause=f"{parent} has no {wanted}",
        fix=f"did you mean {parent / near[0]}?" if near else "check the path",
    )


def _fix_for_file(place: Path) -> str:
    if place.name in (MANIFEST, PROGRAM) or _SHARD.fullmatch(place.name):
        return f"name the folder that it is in: {place.parent}"
    return "`dovetail checkpoint convert` makes a checkpoint of weights in other formats"
