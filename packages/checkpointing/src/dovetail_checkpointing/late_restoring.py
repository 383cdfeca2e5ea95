"""Restoring into objects that don't have all of their variables yet: values wait for theirs."""

from __future__ import annotations

import os
from types import TracebackType
from typing import Any, Self

from dovetail_protocols.errors import CheckpointMismatchError
from dovetail_protocols.roles import SupportsLateState

from .object_tree import flatten, shown, split
from .reading import read_manifest
from .restoring import LISTED, restore_from


class RestoreStatus:
    """What a restore has done so far, and what still waits.

    As a context manager it raises at the end of its body what `assert_consumed` raises, unless `expect_partial` was
    called: build the model inside.
    """

    def __init__(self, path: str | os.PathLike[str], objects: dict[str, Any]) -> None:
        self._path, self._objects = path, objects
        self._manifest = read_manifest(path)
        names = [*(shown(record.path) for record in self._manifest.tensors), *map(shown, self._manifest.scalars)]
        self._waiting = dict.fromkeys(names)
        self._observed: dict[int, SupportsLateState] = {}
        self._is_partial = False
        self._restore()

    # ------------------------------------------------------------------ what came of it

    @property
    def waiting(self) -> tuple[str, ...]:
        """Object paths of values in the checkpoint that nothing has taken yet."""
        return tuple(self._waiting)

    @property
    def unmatched(self) -> tuple[str, ...]:
        """Object paths of variables that exist and are not in the checkpoint."""
        known = {shown(record.path) for record in self._manifest.tensors} | set(map(shown, self._manifest.aliases))
        return tuple(name for name in map(shown, flatten(self._objects).tensors) if name not in known)

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
            differences += [f"{name}: in the checkpoint, but no object has taken it" for name in self._waiting]
        return differences

    def _require(self, differences: list[str]) -> Self:
        if not differences:
            return self
        more = [f"and {len(differences) - LISTED} more"] if len(differences) > LISTED else []
        raise CheckpointMismatchError(
            "not everything was restored",
            where=str(self._path),
            got="\n    ".join(["", *differences[:LISTED], *more]),
            effect="what did match holds its restored value",
            fix="call the model once, so that its variables are made, or expect_partial()",
        )

    # ------------------------------------------------------------------ waiting

    def _restore(self) -> None:
        """Puts waiting values into the variables that are there now, and waits for the others."""
        originals = {shown(alias): shown(path) for alias, path in self._manifest.aliases.items()}
        restored = restore_from(
            self._manifest,
            self._path,
            self._objects,
            only=lambda name: originals.get(name, name) in self._waiting,
            missing="keep",
            unexpected="ignore",
        ).report.restored
        for name in restored:
            self._waiting.pop(originals.get(name, name), None)
        for owner in flatten(self._objects).owners.values():
            if isinstance(owner, SupportsLateState) and id(owner) not in self._observed:
                self._observe(owner)
        if not self._waiting:
            for observed in self._observed.values():
                observed.observe_state(None)
            self._observed.clear()

    def _observe(self, owner: Any) -> None:
        def observer(name: str) -> None:
            if any(split(child)[0] == name for child in owner.checkpoint_state()):
                self._restore()

        self._observed[id(owner)] = owner
        owner.observe_state(observer)
