"""Reading a checkpoint as it lies on disk: its manifest, its tensors, and which step is the latest."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from dovetail_protocols.errors import CheckpointCorruptError, CheckpointError

from . import shard
from .manifest import LIMIT_BYTES, NAME, Manifest, TensorRecord, parse
from .object_tree import Path as ObjectPath
from .object_tree import shown

_STEP = re.compile(r"step-(\d+)")
VARIABLE_SUFFIX = "/.ATTRIBUTES/VARIABLE_VALUE"


def read_manifest(path: str | os.PathLike[str]) -> Manifest:
    """What a checkpoint holds.

    Raises: CheckpointError where there is none, CheckpointCorruptError where it can't be read.
    """
    file = Path(path) / NAME
    try:
        size = file.stat().st_size
        if size > LIMIT_BYTES:
            raise CheckpointCorruptError(
                "the manifest is too large", where=str(file), expected=f"≤ {LIMIT_BYTES:,} bytes", got=f"{size:,}"
            )
        return parse(file.read_bytes())
    except FileNotFoundError as error:
        raise CheckpointError(
            "there is no checkpoint", where=str(path), cause=f"no {NAME} in it", fix="check the path"
        ) from error
    except CheckpointCorruptError as error:
        error.where = str(file)
        raise


def read_tensors(path: str | os.PathLike[str], wanted: list[TensorRecord], manifest: Manifest) -> dict[ObjectPath, Any]:
    """The arrays of some records, as NumPy arrays, each checked.

    Raises: CheckpointCorruptError.
    """
    by_file: dict[str, list[TensorRecord]] = {}
    for record in wanted:
        by_file.setdefault(record.file, []).append(record)
    found: dict[ObjectPath, Any] = {}
    for name, records in by_file.items():
        arrays = shard.read(Path(path) / name, manifest.files[name], records)
        found |= {record.path: arrays[record.name] for record in records}
    return found


def list_variables(path: str | os.PathLike[str]) -> list[tuple[str, tuple[int, ...]]]:
    """Object path and shape of every tensor, such as ("net/l1/kernel/.ATTRIBUTES/VARIABLE_VALUE", (5, 1)), sorted."""
    return sorted((shown(record.path) + VARIABLE_SUFFIX, record.shape) for record in read_manifest(path).tensors)


def latest_checkpoint(root: str | os.PathLike[str]) -> Path | None:
    """The folder `step-N` of the highest N in `root` whose manifest can be read, or None.

    Unfinished saves don't count.
    """
    for _, folder in reversed(step_folders(root)):
        try:
            read_manifest(folder)
        except CheckpointError:
            continue
        return folder
    return None


def step_folders(root: str | os.PathLike[str]) -> list[tuple[int, Path]]:
    """The folders `step-N` in `root` with their N, ascending; whether they can be read is not asked."""
    folder = Path(root)
    if not folder.is_dir():
        return []
    return sorted((int(match[1]), child) for child in folder.iterdir() if (match := _STEP.fullmatch(child.name)))
