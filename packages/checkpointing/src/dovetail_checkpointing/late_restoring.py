"""Restoring into objects that don't have all of their variables yet: values wait for theirs."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from types import TracebackType
from typing import Any, Self

from dovetail_protocols.arrays import is_variable
from dovetail_protocols.errors import CheckpointMismatchError, StructureError

from . import late_observers
from .growing_tree import Found, GrowingTree
from .manifest import TensorRecord
from .matching import match
from .migrating import items_in, items_of, migrated
from .mismatch import LISTED
from .object_tree import Path, flatten, shown
from .reading import Reader
from .reading import open as open_checkpoint
from .reading_ahead import AheadReader
from .restoring import RestoreOptions, prepare_into
from .settled import Settled
from .shard import Shard, Sharding
from .storage import FileSystem
from .waiting_values import WaitingValues


class RestoreStatus:
    """What a restore has done so far, and what still waits.

    A value goes to its variable as soon as that is set as an attribute of a module, or when a variable made after the
    restore is first used; what was added to lists and dicts is looked for then, and whenever the status is asked.

    As a context manager it raises at the end of its body what `assert_consumed` raises, unless `expect_partial` was
    called: build the model inside.
    """

    def __init__(self, opened: Reader, objects: Any, sharding: Sharding | None = None) -> None:
        self._objects, self._sharding = objects, sharding
        try:
            is_wanted = items_of(lambda: map(str, objects)) if isinstance(objects, Mapping) else items_in(None)
            reader = migrated(opened, is_wanted)
        except BaseException:
            opened.close()
            raise
        self.migrations = reader.migrations
        """The migrations that the checkpoint went through, such as "model: 1 to 2"."""
        self._values = values = WaitingValues(reader.manifest)
        self._reader = AheadReader(reader, lambda: _wanted_whole(values.records, sharding))
        self._tree = GrowingTree(objects, self._values.wait_at_or_below)
        self._settled = Settled()
        self._has_ended = self._is_partial = False
        with late_observers.restoring():
            try:
                reader.open_files()  # so that what waits can't vanish
                self._restore(self._tree.everything())
            except BaseException:
                self.end()
                raise
            if not self._has_ended:
                late_observers.begin(self)

    def __repr__(self) -> str:
        return f"<restore of {str(self._reader)!r}: {len(self._values.names):,} values wait>"

    # ------------------------------------------------------------------ what came of it

    @property
    def waiting(self) -> tuple[str, ...]:
        """Object paths of values in the checkpoint that nothing has taken yet."""
        self.look()
        return self._values.names

    @property
    def unmatched(self) -> tuple[str, ...]:
        """Object paths of variables that exist and are not in the checkpoint."""
        self.look()
        return tuple(shown(path) for path in flatten(self._objects).tensors if not self._values.knows(path))

    def assert_existing_objects_matched(self) -> Self:
        """The status, where every variable that exists now got its value.

        Raises: CheckpointMismatchError naming those that did not.
        """
        return self._require(self._differences(with_waiting=False))

    def assert_consumed(self) -> Self:
        """The status, where every variable that exists got its value and every value of the checkpoint was taken.

        Raises: CheckpointMismatchError naming all that is left on either side.
        """
        return self._require(self._differences(with_waiting=True))

    def expect_partial(self) -> Self:
        """The status, which from now on takes it that values are left over: leaving its `with` raises nothing."""
        self._is_partial = True
        return self

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if kind is None and not self._is_partial:
            self.assert_consumed()

    def _differences(self, *, with_waiting: bool) -> list[str]:
        differences = [f"{name}: not in the checkpoint" for name in self.unmatched]
        if with_waiting:
            differences += [f"{name}: in the checkpoint, but no object has taken it" for name in self.waiting]
        return differences

    def _require(self, differences: list[str]) -> Self:
        if not differences:
            return self
        more = [f"and {len(differences) - LISTED} more"] if len(differences) > LISTED else []
        raise CheckpointMismatchError(
            "not everything was restored",
            where=str(self._reader),
            got="\n    ".join(["", *differences[:LISTED], *more]),
            effect="what did match holds its restored value",
            fix="call the model once, so that its variables are made, or expect_partial()",
        )

    # ------------------------------------------------------------------ waiting

    def look(self) -> None:
        """Puts values into variables that have been added since the last look."""
        with late_observers.restoring():
            if not self._has_ended:
                self._restore(self._tree.everything())

    def end(self) -> None:
        """Waits no longer; what was restored stays."""
        with late_observers.restoring():
            self._has_ended = True
            late_observers.end(self)
            self._reader.close()

    def on_set(self, owner: Any, path: Path, name: str) -> None:
        """For the objects that are waited for: an attribute was set."""
        self._restore(self._tree.grown_below(owner, path, name))

    def on_use(self) -> None:
        """For variables made since: one is about to be used."""
        self._restore(self._tree.grown())

    def _restore(self, found: Found) -> None:
        """Puts waiting values into what was found: all of them, or on an error none."""
        for path, owner in found.telling.items():
            late_observers.observe(self, owner, path)
        wanted = {
            path: (variable, replace(record, path=path))
            for path, variable in found.variables.items()
            if (record := self._values.tensor_for(path)) is not None and variable not in self._settled
        }
        if wanted:
            self._read(wanted, found.shards)
        for path, (variable, _) in wanted.items():
            self._values.take(path)
            self._settled.add(variable)  # a path at which it stands too can't change it again
        for path, names in found.scalars.items():
            scalars = self._values.scalars_for(names)
            for own in names:
                self._values.take(own)
            if scalars:
                found.owners[path].load_checkpoint_state(scalars)
        if not self._values and not self._has_ended:
            self.end()

    def _read(self, wanted: dict[Path, tuple[Any, TensorRecord]], shards: Mapping[Path, Shard]) -> None:
        records = tuple(record for _, record in wanted.values())
        part = replace(self._reader.manifest, tensors=records, scalars={}, aliases={})
        tree = _nested({path: shards.get(path, variable) for path, (variable, _) in wanted.items()})
        try:
            prepare_into(self._reader, tree, RestoreOptions(sharding=self._sharding), manifest=part).apply()
        except CheckpointMismatchError:
            differing = match(part, flatten(tree), None, {}, "never", self._sharding).differences
            for path, (variable, _) in wanted.items():
                if shown(path) in differing:
                    self._settled.add(variable)  # it is refused here and now, and not again at each look
            raise


@contextmanager
def bind(
    path: str | os.PathLike[str],
    tree: Any,
    *,
    sharding: Sharding | None = None,
    file_system: FileSystem | None = None,
) -> Iterator[RestoreStatus]:
    """For the body of a `with`, the checkpoint's values go to the tree's variables as they are made: build the model
    inside. What is there already gets its value at once.

    The tree is like the one that was saved: an object with checkpoint state, or a dict, list or tuple of such. Where
    a variable stands as a Shard, or `sharding(name, shape)` gives slices, only that part of the tensor is read. The
    `with` gives the status of the restore; leaving it ends the wait.

    Raises: CheckpointMismatchError at the end of the body naming variables that got no value, and values that nothing
    has taken, unless the status's `expect_partial` was called; what `Checkpoint.restore` raises.
    """
    require_variables(tree)
    status = RestoreStatus(open_checkpoint(path, file_system=file_system), tree, sharding)
    try:
        with status:
            yield status
    finally:
        status.end()


def require_variables(tree: Any) -> None:
    """Raises: StructureError for a tree with plain values, which can't be restored in place."""
    flattened = flatten(tree)
    plain = [path for path, value in flattened.tensors.items() if not is_variable(value)]
    plain += [path for path in flattened.scalars if not any(path[: len(owner)] == owner for owner in flattened.owners)]
    if plain:
        raise StructureError(
            "plain arrays and numbers can't be restored in place",
            where=", ".join(map(shown, plain)),
            expected="variables, or objects with checkpoint_state()",
            fix="hold the value in a Variable, or use save() and restore(), which returns a new tree",
        )


def _wanted_whole(records: Iterable[TensorRecord], sharding: Sharding | None) -> Iterable[TensorRecord]:
    if sharding is None:
        return records
    return [record for record in records if sharding(shown(record.path), record.shape) is None]


def _nested(values: dict[Path, Any]) -> Any:
    """A tree with some values at their paths."""
    if () in values:
        return values[()]
    tree: dict[str | int, Any] = {}
    for path, value in values.items():
        inside = tree
        for part in path[:-1]:
            inside = inside.setdefault(part, {})
        inside[path[-1]] = value
    return tree
