"""Saving: everything is written and fsynced in a temporary folder, which is then renamed into place.

At each moment, and after a crash at each moment, the target holds the old checkpoint whole, the new one whole, or (if
there was none) nothing.
"""

from __future__ import annotations

import os
import secrets
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dovetail_protocols.errors import CheckpointError, UninitializedError

from .file_system import FileSystem, LocalFileSystem
from .manifest import NAME, FileRecord, Manifest, TensorRecord
from .object_tree import Flattened, flatten, shown
from .shard import encode
from .tensor_bytes import as_numpy

SHARD_BYTES = 2 << 30


@dataclass(frozen=True)
class Receipt:
    """What a save wrote, once it is durable."""

    path: Path
    size_bytes: int
    tensor_count: int
    seconds: float


def save(
    path: str | os.PathLike[str],
    tree: Any,
    *,
    step: int | None = None,
    overwrite: bool = False,
    shard_bytes: int = SHARD_BYTES,
    file_system: FileSystem | None = None,
) -> Receipt:
    """Saves a tree of modules, optimizers, generators, variables, arrays and scalars as the folder `path`.

    Values only, never code. When it returns, the checkpoint survives a power cut. `overwrite=True` replaces a
    checkpoint that is there, in one step. Tensors are spread over files of about `shard_bytes` each.

    Raises: StructureError for what can't be saved, UninitializedError for an object without any state (a model that was
    not called yet), CheckpointError where the target exists or storage fails; the target is then as it was.
    """
    started = time.perf_counter()
    target, storage = Path(path), file_system or LocalFileSystem()
    exists = os.path.lexists(target)
    if exists and not (overwrite and (target / NAME).is_file()):
        raise CheckpointError(
            "the target of a save exists already",
            where=str(target),
            got="a checkpoint" if (target / NAME).is_file() else "something that is no checkpoint",
            fix="save to another path (one for each step), or pass overwrite=True to replace a checkpoint",
        )
    flattened = flatten(tree)
    _refuse_stateless(flattened)
    staging = target.with_name(f".tmp-{target.name}-{secrets.token_hex(8)}")
    try:
        staging.parent.mkdir(parents=True, exist_ok=True)
        storage.make_directory(staging)
        size = _write(staging, flattened, step, shard_bytes, storage)
        storage.sync_directory(staging)
        storage.rename(staging, target, exchange=exists)
        storage.sync_directory(target.parent)
    except OSError as error:
        storage.remove_tree(staging)
        raise CheckpointError(
            "a checkpoint could not be saved",
            where=str(target),
            cause=f"{type(error).__name__}: {error}",
            effect="what was there before is untouched",
        ) from error
    except BaseException:
        storage.remove_tree(staging)
        raise
    if exists:
        storage.remove_tree(staging)  # it holds the replaced checkpoint now
    return Receipt(target, size, len(flattened.tensors), time.perf_counter() - started)


def _refuse_stateless(flattened: Flattened) -> None:
    """Saving a model before its layers are built would save nothing, and be noticed only when it is needed."""
    known = (*flattened.tensors, *flattened.scalars, *flattened.aliases)
    for path, owner in flattened.owners.items():
        outermost = not any(path[:length] in flattened.owners for length in range(len(path)))
        if outermost and not any(other[: len(path)] == path for other in known):
            raise UninitializedError(
                f"a {type(owner).__name__} has no state to save",
                where=shown(path) or "the tree itself",
                effect="nothing was saved",
                fix="call it once, so that its variables are made, or leave it out",
            )


def _write(folder: Path, flattened: Flattened, step: int | None, shard_bytes: int, storage: FileSystem) -> int:
    shards = _shards(flattened, shard_bytes)
    records: list[TensorRecord] = []
    files: dict[str, FileRecord] = {}
    for place, paths in enumerate(shards):
        name = f"data-{place:05}-of-{len(shards):05}.safetensors"
        arrays = {path: as_numpy(flattened.tensors[path]) for path in paths}
        named = {shown(path): (array.dtype.name, array) for path, array in arrays.items()}
        chunks, files[name], checksums = encode(named)
        storage.write(folder / name, chunks)
        records += [
            TensorRecord(path, array.dtype.name, array.shape, name, shown(path), checksums[shown(path)])
            for path, array in arrays.items()
        ]
    manifest = Manifest(step, files, tuple(records), flattened.scalars, flattened.aliases).to_bytes()
    storage.write(folder / NAME, [manifest])
    return sum(file.size_bytes for file in files.values()) + len(manifest)


def _shards(flattened: Flattened, shard_bytes: int) -> list[list[Any]]:
    """Paths in files of about `shard_bytes`; equal names ("a/0" as key and as index) go to different files."""
    shards: list[list[Any]] = []
    sizes: list[int] = []
    names: list[set[str]] = []
    for path, value in flattened.tensors.items():
        size = value.meta.size_bytes if hasattr(value, "meta") else value.nbytes
        for place, used in enumerate(sizes):
            if used + size <= shard_bytes and shown(path) not in names[place]:
                break
        else:
            place = len(shards)
            shards.append([])
            sizes.append(0)
            names.append(set())
        shards[place].append(path)
        sizes[place] += size
        names[place].add(shown(path))
    return shards
