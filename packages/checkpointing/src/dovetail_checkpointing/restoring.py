"""Restoring: all that doesn't fit, and all that is damaged, is found before anything is changed."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Protocol

import numpy as np

from dovetail_protocols.arrays import is_variable
from dovetail_protocols.dtypes import dtype as find_dtype
from dovetail_protocols.errors import CheckpointError
from dovetail_protocols.roles import Communicator

from .casting import Cast, cast_to
from .choices import require_choice
from .extents import Verify
from .limits import DEFAULT, Limits
from .manifest import Manifest, TensorRecord
from .matching import Match, Missing, Only, Rename, Unexpected, match, picked, renaming, selection
from .migrating import items_in, items_of, migrated
from .mismatch import refuse_mismatch
from .object_tree import Flattened, Path, first_path, flatten, map_leaves, shown
from .opening import was_replaced
from .reading import Reader
from .rebuilding import rebuild
from .replacing import REPLACEMENTS, Prepared, Report, Restored, by_owner
from .shard import Shard, Sharding, region_of
from .sharded.exchange import RESTORE, Exchange
from .sharded.restoring import restore_together
from .slicing import Range
from .storage import FileSystem, Place, locate
from .tensor_bytes import meta_of, placed
from .uncollected import uncollected

_NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class RestoreOptions:
    """How to restore; `restore` says what each means."""

    only: Only | None = None
    rename: Rename = field(default_factory=dict)
    missing: Missing = "error"
    unexpected: Unexpected = "error"
    cast: Cast = "never"
    sharding: Sharding | None = None
    migrate: bool = True
    verify: Verify = "chunks"
    expected_digest: str | None = None
    limits: Limits = DEFAULT

    def check(self) -> None:
        """Raises: AttributeValueError for a word that an option doesn't know."""
        require_choice("missing", self.missing, Missing)
        require_choice("unexpected", self.unexpected, Unexpected)
        require_choice("cast", self.cast, Cast)


def restore(
    path: str | os.PathLike[str],
    into: Any = None,
    *,
    only: Only | None = None,
    rename: Rename = _NOTHING,
    missing: Missing = "error",
    unexpected: Unexpected = "error",
    cast: Cast = "never",
    sharding: Sharding | None = None,
    migrate: bool = True,
    verify: Verify = "chunks",
    expected_digest: str | None = None,
    limits: Limits = DEFAULT,
    communicator: Communicator | None = None,
    file_system: FileSystem | None = None,
) -> Restored:
    """Puts a checkpoint's values into a tree like the one that was saved; without one, gives the tree as it was saved,
    of NumPy arrays.

    Variables (in modules, optimizers, generators too) are changed in place; plain arrays and scalars can't be, so the
    returned tree holds the new ones. Matching is by object path, never by variable name. `only` selects paths of the
    target, by a function or by patterns such as "model/*"; `rename` maps paths of the target to those in the
    checkpoint. `cast="allow"` casts floats to the target's dtype, and integers where they fit. `verify`: "chunks"
    checks every byte that is read, "full" the SHA-256 of every file too, "header" sizes and headers only.
    `expected_digest`, the `digest` of a receipt, refuses any other checkpoint, and checks in full.

    Items of older versions pass through the migrations that are registered for them, unless `migrate` is False; then
    they come as they were saved, and so do those of versions that this program does not know.

    A checkpoint that a save replaces meanwhile is read anew: what comes is one of the two, whole.

    Where the target has a Shard, only that part of the tensor is read. `sharding(name, shape)` gives, for a tensor of
    the checkpoint, the slices that the target has of it, or None for all; without `into` such a part comes as a Shard.

    With a `communicator` all its ranks call this, each for its own target: all of them restore the same checkpoint, or
    none changes anything and all raise the same error.

    Raises: AttributeValueError for options that can't be, and for a pattern in `only` that matches nothing;
    CheckpointMismatchError with every difference of names, shapes and dtypes; CheckpointCorruptError;
    CheckpointUnsafeError; CheckpointVersionError; CheckpointError where there is none. Nothing is changed then.
    """
    options = RestoreOptions(
        only, rename, missing, unexpected, cast, sharding, migrate, verify, expected_digest, limits
    )
    place = locate(path, file_system)
    if communicator is None:
        return prepare(place, into, options).apply()
    return restore_together(lambda: prepare(place, into, options), Exchange(communicator, str(place), RESTORE))


def prepare(place: Place, into: Any, options: RestoreOptions) -> Prepared:
    """`restore` up to where anything is changed."""
    options.check()
    for is_last in (*(False,) * REPLACEMENTS, True):
        try:
            with Reader(place, options.limits, options.verify, options.expected_digest) as reader:
                return _prepared(reader, into, options)
        except CheckpointError as error:
            if is_last or not was_replaced(place, error):
                raise
    raise AssertionError("the last attempt returns or raises")


def _prepared(reader: Reader, into: Any, options: RestoreOptions) -> Prepared:
    is_wanted = items_in(options.only) if into is None else items_of(lambda: _sources(into, options))
    source = migrated(reader, is_wanted) if options.migrate else reader
    if into is None:
        return _whole(source, options.only, options.sharding)
    return prepare_into(source, into, options)


def _sources(into: Any, options: RestoreOptions) -> list[str]:
    """The names in the checkpoint of what a target wants."""
    target, is_wanted, renamed = flatten(into), selection(options.only), renaming(options.rename)
    return [renamed(name) for path in (*target.tensors, *target.scalars) if is_wanted(name := shown(path))]


def _whole(reader: Source, only: Only | None, sharding: Sharding | None) -> Prepared:
    manifest = reader.manifest
    is_wanted = None if only is None else selection(only)
    records, scalars = _wanted(manifest, only)
    slices = {r.path: None if sharding is None else sharding(shown(r.path), r.shape) for r in records}
    leaves: dict[Path, Any] = {**reader.read_records([r for r in records if slices[r.path] is None])}
    regions = {
        record.path: (record, region_of(part, record.shape, shown(record.path)))
        for record in records
        if (part := slices[record.path]) is not None
    }
    for path, array in reader.read_regions(regions).items():
        record, region = regions[path]
        leaves[path] = Shard(array, [one.start for one in region], record.shape)
    tree = rebuild(manifest, leaves, is_wanted)
    names = (*(shown(record.path) for record in records), *map(shown, scalars))
    report = Report(names, (), (), manifest.step, manifest.metrics, reader.migrations)
    return Prepared(Restored(tree, report), manifest.digest)


@uncollected
def _wanted(manifest: Manifest, only: Only | None) -> tuple[list[TensorRecord], list[Path]]:
    """What there is of tensors and scalars, as far as it is wanted."""
    if only is None:
        return list(manifest.tensors), list(manifest.scalars)
    every = list(manifest.tensors)
    paths = (*(record.path for record in every), *manifest.scalars)
    is_wanted = picked(only, paths, manifest.aliases, "the checkpoint")
    return [record for record in every if is_wanted(record.path)], [
        path for path in manifest.scalars if is_wanted(path)
    ]


class Source(Protocol):
    """What tensors are read from: a Reader, one whose items were migrated, or what reads ahead."""

    @property
    def manifest(self) -> Manifest: ...
    @property
    def migrations(self) -> tuple[str, ...]: ...
    def read_records(self, records: Sequence[TensorRecord]) -> dict[Path, np.ndarray[Any, Any]]: ...
    def read_regions(
        self, wanted: Mapping[Path, tuple[TensorRecord, tuple[Range, ...]]]
    ) -> dict[Path, np.ndarray[Any, Any]]: ...


def prepare_into(reader: Source, into: Any, options: RestoreOptions, *, manifest: Manifest | None = None) -> Prepared:
    """`prepare` from a checkpoint that is open; with `manifest`, of the part of it that this one has."""
    manifest = manifest or reader.manifest
    target = flatten(into)
    found = match(manifest, target, options.only, options.rename, options.cast, options.sharding)
    has_objects = bool(target.owners)
    refuse_mismatch(str(reader), found, options.missing, options.unexpected, options.rename, has_objects=has_objects)
    arrays = _read(reader, target, found)
    variables = {path: value for path, value in target.tensors.items() if path in arrays and is_variable(value)}
    replaced = [(variable, placed(arrays[path], variable)) for path, variable in variables.items()]
    new: dict[Path, Any] = {path: _like(target, path, array) for path, array in arrays.items() if path not in variables}
    new |= found.scalars
    tree = map_leaves(into, lambda path, leaf: new.get(first_path(path, target.aliases), leaf))
    restored = tuple(shown(path) for path in (*found.tensors, *found.scalars))
    report = Report(restored, found.missing, found.unexpected, manifest.step, manifest.metrics, reader.migrations)
    old, loaded = by_owner(target, target.scalars), by_owner(target, found.scalars)
    owners = [(target.owners[path], scalars, old[path]) for path, scalars in loaded.items()]
    return Prepared(Restored(tree, report), manifest.digest, replaced, owners)


def _read(reader: Source, target: Flattened, found: Match) -> dict[Path, np.ndarray[Any, Any]]:
    """An array of its own for each tensor of the target, in the target's dtype."""
    whole = {path: record for path, record in found.tensors.items() if path not in found.regions}
    read = reader.read_records(list({record.path: record for record in whole.values()}.values()))
    arrays = _read_parts(reader, found)
    taken: set[Path] = set()
    for path, record in whole.items():
        arrays[path] = read[record.path].copy() if record.path in taken else read[record.path]
        taken.add(record.path)
    return {
        path: cast_to(array, meta_of(target.tensors[path]).dtype.name, shown(path)) for path, array in arrays.items()
    }


def _read_parts(reader: Source, found: Match) -> dict[Path, np.ndarray[Any, Any]]:
    arrays: dict[Path, np.ndarray[Any, Any]] = {}
    left = list(found.regions)
    while left:  # more than once where several paths want parts of one tensor
        first = {found.tensors[path].path: path for path in reversed(left)}
        now = [path for path in left if first[found.tensors[path].path] == path]
        arrays |= reader.read_regions({path: (found.tensors[path], found.regions[path]) for path in now})
        left = [path for path in left if path not in arrays]
    return arrays


def _like(target: Flattened, path: Path, array: np.ndarray[Any, Any]) -> Any:
    """The array as what stood in the tree: a NumPy array, a tensor of the provider, or a Shard of one."""
    value = target.tensors[path]
    new: Any = array
    if not isinstance(value, np.ndarray | np.generic):
        from dovetail_protocols.arrays import provider

        new = provider().convert(array, dtype=find_dtype(array.dtype.name), device=value.device)
    shard = target.shards.get(path)
    return new if shard is None else Shard(new, shard.starts, shard.shape)
