"""Saving: everything is written and made durable in a folder out of sight, which is then renamed into place.

At each moment, and after a crash at each moment, the target holds the old checkpoint whole, the new one whole, or (if
there was none) nothing.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from hashlib import sha256
from operator import index
from pathlib import Path
from typing import Any

from dovetail_protocols.errors import (
    AttributeValueError,
    CheckpointCorruptError,
    CheckpointError,
    DTypeError,
    StructureError,
    UninitializedError,
)

from .choices import require_choice
from .collecting import collect
from .commit import Durability, Staging, clear_errors, staged
from .file_damage import file_damage
from .layout import FilePlan, Part, pieces_of, plan_files
from .limits import DEFAULT, require_below
from .manifest import NAME, FileRecord, Manifest, TensorRecord
from .object_tree import Flattened, flatten, shown
from .storage import FileSystem, Place, locate
from .tensor_bytes import has_nonfinite, item_bytes, meta_of
from .uncollected import uncollected
from .versions import current_versions
from .writing import Digest, PlannedFile, write_files


@dataclass(frozen=True)
class Receipt:
    """What a save wrote, once it is durable.

    `digest`: the root of its manifest, by which `restore(..., expected_digest=)` knows it again. `nonfinite`: the
    tensors with NaN or infinities in them, if the save was asked to look."""

    path: Path | str
    digest: str
    size_bytes: int
    tensor_count: int
    seconds: float
    nonfinite: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class SaveOptions:
    """How to save; `save` says what each means."""

    step: int | None = None
    overwrite: bool = False
    durability: Durability = "power-loss"
    shard_bytes: int | None = None
    digests: Sequence[Digest] = ("crc32", "sha256")
    paranoid: bool = False
    metrics: Mapping[str, float] | None = None
    versions: Mapping[str, int] | None = None
    find_nonfinite: bool = False

    def checked(self) -> SaveOptions:
        """The same, the step as Python's integer. What no checkpoint can hold would be found by its reader only.

        Raises: AttributeValueError; StructureError for digests without CRC-32.
        """
        require_choice("durability", self.durability, Durability)
        for digest in self.digests:
            require_choice("digests", digest, Digest)
        if "crc32" not in self.digests:
            raise StructureError("every checkpoint has CRC-32 checksums", where="digests", got=tuple(self.digests))
        for name, version in (self.versions or {}).items():
            _natural(f"versions[{name!r}]", version)
        for name, metric in (self.metrics or {}).items():
            try:
                float(metric)
            except (TypeError, ValueError) as error:
                raise AttributeValueError(
                    "this is no metric", where=f"metrics[{name!r}]", expected="a number", got=repr(metric)
                ) from error
        return replace(
            self,
            step=None if self.step is None else _natural("step", self.step),
            shard_bytes=None if self.shard_bytes is None else _natural("shard_bytes", self.shard_bytes, least=1),
        )


def _natural(option: str, value: Any, least: int = 0) -> int:
    """An integer of any library as Python's."""
    try:
        found = index(value)
    except TypeError:
        found = -1
    if found < least:
        raise AttributeValueError(
            "an option has a value that it can't have",
            where=option,
            expected=f"an integer ≥ {least}",
            got=repr(value),
            effect="nothing was saved",
        )
    return found


def save(
    path: str | os.PathLike[str],
    tree: Any,
    *,
    step: int | None = None,
    overwrite: bool = False,
    durability: Durability = "power-loss",
    shard_bytes: int | None = None,
    digests: Sequence[Digest] = ("crc32", "sha256"),
    paranoid: bool = False,
    metrics: Mapping[str, float] | None = None,
    versions: Mapping[str, int] | None = None,
    find_nonfinite: bool = False,
    file_system: FileSystem | None = None,
) -> Receipt:
    """Saves a tree of modules, optimizers, generators, variables, arrays and scalars as the folder `path`.

    Values only, never code. When it returns, the checkpoint survives a power cut; with `durability="process"` only the
    end of the process. `overwrite=True` replaces a checkpoint that is there, in one step. Each top-level key has files
    of its own, of about `shard_bytes` each; if that is left out, four where there are 128 MiB or more, so that several
    processors share the work, and more only from 8 GiB on. `digests` may leave out "sha256" where speed matters more
    than a digest that nobody can forge. `paranoid` reads everything back from the device before it
    is published. `metrics` are kept beside the step. `versions`: the schema version of each top-level key, by default
    the newest that a `migration` leads to. `find_nonfinite` names tensors with NaN or infinities in the receipt; they
    are saved all the same.

    Raises: StructureError for what can't be saved, AttributeValueError for options that can't be, UninitializedError
    for an object without any state (a model that was not called yet), CheckpointBusyError where somebody else writes
    there, CheckpointSpaceError, CheckpointDurabilityError, CheckpointError where the target exists or storage fails;
    the target is then as it was.
    """
    options = SaveOptions(
        step, overwrite, durability, shard_bytes, digests, paranoid, metrics, versions, find_nonfinite
    )
    return save_to(locate(path, file_system), flatten(tree), options)


def save_to(target: Place, flattened: Flattened, options: SaveOptions) -> Receipt:
    """`save` of a tree that was taken apart already."""
    started = time.perf_counter()
    options = options.checked()
    refuse_stateless(flattened)
    parts = parts_of(flattened)
    nonfinite = nonfinite_of(flattened) if options.find_nonfinite else None
    replaces = is_replaced(target, overwrite=options.overwrite)
    with staged(target, options.durability, replaces=replaces) as staging:
        plans = plan_files(parts, options.shard_bytes, staging.suffix)
        collect(target.parent, target.path.name, is_locked=True, sync=staging.sync_folder)
        staging.open(sum(plan.size_bytes for plan in plans))
        files = write_data(staging, plans, options)
        data, digest = manifest_of(flattened, parts, plans, files, options).to_bytes()
        require_below("the manifest", len(data), DEFAULT.manifest_bytes, "manifest_bytes", target)
        staging.write_durably(NAME, data)
        staging.publish(replaces=replaces)
        if replaces:
            staging.remove_replaced()
    size = sum(file.size_bytes for file in files) + len(data)
    seconds = time.perf_counter() - started
    return Receipt(target.spelled, digest, size, len(flattened.tensors), seconds, nonfinite)


def is_replaced(target: Place, *, overwrite: bool) -> bool:
    """Whether there is a checkpoint to be replaced.

    Raises: CheckpointError for anything else that is there.
    """
    storage = target.file_system
    with clear_errors(target):
        exists = storage.exists(target.path)
        if not storage.publishes_by_rename:
            exists = storage.exists(target.path / NAME)
        is_checkpoint = exists and storage.exists(target.path / NAME)
    if exists and not (overwrite and is_checkpoint):
        raise CheckpointError(
            "the target of a save exists already",
            where=str(target),
            got="a checkpoint" if is_checkpoint else "something that is no checkpoint",
            fix="save to another path (one for each step), or pass overwrite=True to replace a checkpoint",
        )
    return exists


def refuse_stateless(flattened: Flattened) -> None:
    """Saving a model before its layers are built would save nothing, and be noticed only when it is needed."""
    known = (*flattened.tensors, *flattened.scalars, *flattened.aliases)
    with_state = {path[:length] for path in known for length in range(len(path) + 1)}
    for path, owner in flattened.owners.items():
        outermost = not any(path[:length] in flattened.owners for length in range(len(path)))
        if outermost and path not in with_state:
            raise UninitializedError(
                f"a {type(owner).__name__} has no state to save",
                where=shown(path) or "the tree itself",
                effect="nothing was saved",
                fix="call it once, so that its variables are made, or leave it out",
            )


@uncollected
def parts_of(flattened: Flattened) -> list[Part]:
    """Every tensor of a tree, whole, as something to be written.

    Raises: what `parts_held` raises; StructureError for a part of a tensor.
    """
    parts = parts_held(flattened)
    for part in parts:
        if part.sizes != part.shape:
            raise StructureError(
                "a part of a tensor can't be saved without the others",
                where=shown(part.path),
                got=flattened.shards[part.path],
                effect="nothing was saved",
                fix="save_sharded(path, tree, communicator=...), or a Manager(communicator=...), on every rank",
            )
    return parts


def parts_held(flattened: Flattened) -> list[Part]:
    """Every tensor of a tree, or the part of it that there is, as something to be written.

    Raises: StructureError for a path too long to be read again, or a dtype that no checkpoint holds.
    """
    parts = []
    for path, value in flattened.tensors.items():
        try:
            meta = meta_of(value)
            item_bytes(meta.dtype.name)
        except (DTypeError, ValueError) as error:
            raise StructureError(
                "this can't be saved", where=shown(path), cause=f"no checkpoint holds arrays of dtype {value.dtype}"
            ) from error
        if len(shown(path).encode()) > DEFAULT.name_bytes:
            raise StructureError(
                "a path is too long to be saved", where=shown(path)[:80], expected=f"≤ {DEFAULT.name_bytes:,} bytes"
            )
        shard = flattened.shards.get(path)
        shape, starts = (meta.shape, (0,) * len(meta.shape)) if shard is None else (shard.shape, shard.starts)
        parts.append(Part(path, meta.dtype.name, shape, starts, meta.shape, value))
    return parts


def write_data(staging: Staging, plans: Sequence[FilePlan], options: SaveOptions) -> tuple[FileRecord, ...]:
    """Writes planned files, each durable; room for all of them is reserved before the first byte is written."""
    with ExitStack() as closing:
        files = []
        for plan in plans:
            file = staging.create(plan.name, plan.size_bytes)
            closing.callback(file.close)
            files.append(PlannedFile(file, plan, partial(staging.sync, file, plan.name)))
        records = write_files(files, whole_digest="sha256" in options.digests)
    _read_back(staging, plans, records, thoroughly=options.paranoid)
    return tuple(records)


def _read_back(staging: Staging, plans: Sequence[FilePlan], records: Sequence[FileRecord], *, thoroughly: bool) -> None:
    """Compares what storage gives back with what was written: sizes and headers, or thoroughly every byte, from the
    device where the system can be told to forget what it remembers.

    Raises: CheckpointCorruptError.
    """
    folder = staging.storage.open_folder(staging.folder)
    try:
        for plan, record in zip(plans, records, strict=True):
            file = folder.open(plan.name)
            try:
                if thoroughly:
                    file.forget_cached()
                damage = file_damage(file, record, sha256(plan.header).hexdigest(), "full" if thoroughly else "header")
            finally:
                file.close()
            if damage:
                raise CheckpointCorruptError(
                    "storage does not give back what was just written: most likely it is failing",
                    where=str(staging.target),
                    cause=f"{plan.name}: {damage[0]}",
                    effect="nothing was saved; earlier checkpoints are untouched",
                    fix="save to other storage",
                )
    finally:
        folder.close()


def manifest_of(
    flattened: Flattened,
    parts: Sequence[Part],
    plans: Sequence[FilePlan],
    files: tuple[FileRecord, ...],
    options: SaveOptions,
) -> Manifest:
    """The manifest of a tree whose files were written."""
    pieces = pieces_of(plans)
    tensors = tuple(TensorRecord(part.path, part.dtype, part.shape, tuple(pieces[part.path])) for part in parts)
    return Manifest(
        options.step,
        files,
        tensors,
        flattened.scalars,
        flattened.aliases,
        flattened.containers,
        _versions(flattened, options),
        options.metrics or {},
    )


def _versions(flattened: Flattened, options: SaveOptions) -> Mapping[str, int]:
    if options.versions is not None:
        return options.versions
    return current_versions((*flattened.tensors, *flattened.scalars, *flattened.aliases))


def nonfinite_of(flattened: Flattened) -> tuple[str, ...]:
    """The tensors of a tree with NaN or infinities in them."""
    return tuple(shown(path) for path, value in flattened.tensors.items() if has_nonfinite(value))
