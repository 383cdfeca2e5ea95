"""Migrating: a checkpoint of older items, seen as if it had been saved with the newest versions of them.

Nothing is written. Tensors that the migrations did not look at stay unread, under the names that they have now.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from functools import cache
from typing import Any

import numpy as np

from dovetail_protocols.arrays import is_variable
from dovetail_protocols.errors import CheckpointError, DTypeError

from .item_state import ItemState, SavedTensor
from .manifest import Manifest, Piece, TensorRecord
from .matching import Only
from .object_tree import CONTROL, SCALARS, Path, is_array, shown, split
from .reading import Reader
from .slicing import Range
from .tensor_bytes import item_bytes, meta_of, on_host
from .versions import Step, items_with_migrations, steps_to_newest

Array = np.ndarray[Any, Any]


class MigratedReader:
    """A Reader whose items went through migrations. Tensors that these made are read from memory: their one piece is in
    a file of a negative number."""

    def __init__(self, reader: Reader, manifest: Manifest, made: Sequence[Array], steps: Iterable[Step]) -> None:
        self._reader, self._made = reader, made
        self.manifest = manifest
        self.migrations = tuple(map(str, steps))

    def __str__(self) -> str:
        return str(self._reader)

    def read_records(self, records: Sequence[TensorRecord]) -> dict[Path, Array]:
        """New arrays of several tensors, by path."""
        arrays = self._reader.read_records([record for record in records if self._of(record) is None])
        for record in records:
            made = self._of(record)
            if made is not None:
                arrays[record.path] = np.array(made, order="C")
        return arrays

    def read_regions(self, wanted: Mapping[Path, tuple[TensorRecord, tuple[Range, ...]]]) -> dict[Path, Array]:
        """New arrays of parts of tensors, by the keys that were given."""
        saved = {key: (record, ranges) for key, (record, ranges) in wanted.items() if self._of(record) is None}
        arrays = self._reader.read_regions(saved)
        for key, (record, ranges) in wanted.items():
            made = self._of(record)
            if made is not None:
                arrays[key] = np.array(made[tuple(one.as_slice for one in ranges)], order="C")
        return arrays

    def open_files(self) -> None:
        """Opens every file, so that none can vanish later."""
        self._reader.open_files()

    def close(self) -> None:
        """Lets go of the checkpoint; arrays that were read stay."""
        self._reader.close()

    def _of(self, record: TensorRecord) -> Array | None:
        if record.pieces and record.pieces[0].file < 0:
            return self._made[-1 - record.pieces[0].file]
        return None


def migrated(reader: Reader, is_wanted: Callable[[str], bool] = lambda item: True) -> Reader | MigratedReader:
    """The checkpoint with the items that are wanted at the newest versions that this program knows.

    Raises: CheckpointVersionError for an item that is newer, or from which no migration leads on; CheckpointError for a
    migration that fails.
    """
    manifest = reader.manifest
    concerned = [item for item in {**manifest.items, **dict.fromkeys(items_with_migrations())} if is_wanted(item)]
    chains = {item: steps_to_newest(item, manifest.items.get(item, 1), str(reader)) for item in concerned}
    chains = {item: chain for item, chain in chains.items() if chain}
    return _Migrating(reader, chains).result() if chains else reader


def items_of(names: Callable[[], Iterable[str]]) -> Callable[[str], bool]:
    """Whether an item has something of some names; they are asked for once, and only if there may be a migration."""
    known = cache(lambda: tuple(names()))
    return lambda item: any(name == item or name.startswith(f"{item}/") for name in known())


def items_in(only: Only | None) -> Callable[[str], bool]:
    """Whether an item may have something that `only` picks."""
    if only is None or callable(only):
        return lambda item: True
    patterns = [pattern.split("/")[0] for pattern in ([only] if isinstance(only, str) else only)]
    return lambda item: any(fnmatchcase(item, pattern) for pattern in patterns)


class _Migrating:
    """One checkpoint on its way through the chains of its items."""

    def __init__(self, reader: Reader, chains: Mapping[str, Sequence[Step]]) -> None:
        self._reader, self._chains = reader, chains
        self._made: list[Array] = []

    def result(self) -> MigratedReader:
        manifest = self._reader.manifest
        records = {record.path: record for record in manifest.tensors}
        entries: dict[Path, Any] = {path: self._tensor(record) for path, record in records.items()}
        ties = {path: entries[to] for path, to in manifest.aliases.items() if to in entries}
        entries |= ties | dict(manifest.scalars)
        done: list[Step] = []
        for item, chain in self._chains.items():
            inside = {path: value for path, value in entries.items() if path and str(path[0]) == item}
            if inside:
                entries = {path: value for path, value in entries.items() if path not in inside}
                entries |= self._through(chain, inside)
                done += chain
        if not done:
            return MigratedReader(self._reader, manifest, (), ())
        before = (*records, *ties, *manifest.scalars)
        return MigratedReader(self._reader, self._manifest(entries, _above(before)), self._made, done)

    def _tensor(self, record: TensorRecord) -> SavedTensor:
        return SavedTensor(record, lambda one: self._reader.read_records([one])[one.path])

    def _through(self, chain: Sequence[Step], inside: Mapping[Path, Any]) -> dict[Path, Any]:
        """What an item holds at the end of its chain."""
        key = next(iter(inside))[0]
        paths = {shown(path[1:]): path for path in inside}
        if len(paths) != len(inside):
            alike = [shown(path) for path in inside if paths[shown(path[1:])] != path]
            raise CheckpointError("paths that read alike can't be migrated", where=str(self._reader), got=alike[0])
        state = ItemState({shown(path[1:]): value for path, value in inside.items()})
        for step in chain:
            state = self._run(step, state)
        return {paths.get(name) or (key, *_below(name)): value for name, value in state.entries.items()}

    def _run(self, step: Step, state: ItemState) -> ItemState:
        try:
            result = step.function(state)
            return _checked(result)
        except CheckpointError:  # a damaged tensor that it looked at
            raise
        except Exception as error:
            function = step.function
            raise CheckpointError(
                f"a migration of {step.item!r} from version {step.source} to {step.target} failed",
                where=f"{self._reader}, in {function.__module__}.{getattr(function, '__qualname__', function)}",
                cause=f"{type(error).__name__}: {error}",
                effect="nothing was changed",
                fix="correct the migration; open(path), or restore(path, migrate=False), has the checkpoint as it is",
            ) from error

    def _manifest(self, entries: Mapping[Path, Any], above_before: Collection[Path]) -> Manifest:
        """The manifest of what there is now. What is the same object at several paths is tied."""
        old = self._reader.manifest
        tensors: list[TensorRecord] = []
        scalars: dict[Path, Any] = {}
        aliases: dict[Path, Path] = {}
        seen: dict[int, Path] = {}
        for path, value in entries.items():
            if isinstance(value, SCALARS):
                scalars[path] = value
                continue
            contents = value.array if isinstance(value, SavedTensor) and value.array is not None else value
            if id(contents) in seen:
                aliases[path] = seen[id(contents)]
            else:
                seen[id(contents)] = path
                tensors.append(self._record(path, contents))
        above = _above(entries)
        aliases |= {path: to for path, to in old.aliases.items() if path not in entries and to in above}  # of objects
        containers = {
            path: kind
            for path, kind in old.containers.items()
            if path not in entries and (path in above or path not in above_before)
        }
        items = {**old.items, **{item: chain[-1].target for item, chain in self._chains.items()}}
        return replace(
            old, tensors=tuple(tensors), scalars=scalars, aliases=aliases, containers=containers, items=items
        )

    def _record(self, path: Path, contents: Any) -> TensorRecord:
        """The record of a tensor: the saved one under its new path, or one of an array in memory."""
        if isinstance(contents, SavedTensor):
            return replace(contents.record, path=path)
        array = on_host(contents)
        self._made.append(array)
        piece = Piece(-len(self._made), 0, array.nbytes, (0,) * array.ndim, array.shape)
        return TensorRecord(path, meta_of(contents).dtype.name, array.shape, (piece,))


def _below(name: str) -> Path:
    """The path of a name in an item's state; that of "" is the item's own."""
    return split(name) if name else ()


def _above(paths: Iterable[Path]) -> set[Path]:
    """Every path that some of the paths are below."""
    return {path[:length] for path in paths for length in range(len(path))}


def _checked(result: Any) -> ItemState:
    """What a migration returned.

    Raises: TypeError, ValueError for what is no state, or what no checkpoint holds.
    """
    if not isinstance(result, Mapping):
        raise TypeError(f"it returned {type(result).__name__}: return the state, or a dict")
    entries = result.entries if isinstance(result, ItemState) else dict(result)
    parts = [tuple(name.split("/")) for name in entries if isinstance(name, str)]
    above = {shown(path) for path in _above(parts) if path}
    for name, value in entries.items():
        if not isinstance(name, str) or CONTROL.search(name):
            raise TypeError(f"the name {name!r} is no text that can be shown")
        if name in above or (not name and len(entries) > 1):
            raise ValueError(f"{name!r} is a value, and there are values below it")
        if not isinstance(value, (*SCALARS, SavedTensor)):
            _require_array(name, value)
    return ItemState(entries)


def _require_array(name: str, value: Any) -> None:
    if not (is_variable(value) or is_array(value)):
        raise TypeError(f"{name!r} is a {type(value).__name__}, which is no array, variable or scalar")
    try:
        item_bytes(meta_of(value).dtype.name)
    except (DTypeError, ValueError) as error:
        raise TypeError(f"{name!r} has the dtype {value.dtype}, which no checkpoint holds") from error
