"""Putting values in place that were read and checked: all of them, or, if anything fails meanwhile, none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .object_tree import Flattened, Path, shown

REPLACEMENTS = 10
"""So often one restore begins anew because a save has replaced the checkpoint while it was read."""


@dataclass(frozen=True)
class Report:
    """What a restore did: object paths that were restored, that the checkpoint lacks, and that the target lacks."""

    restored: tuple[str, ...]
    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    step: int | None
    metrics: Mapping[str, float] = field(default_factory=dict)
    migrations: tuple[str, ...] = ()
    """Those that ran, such as "model: 1 to 2"."""


@dataclass(frozen=True)
class Restored:
    """The tree, with new values where it held plain arrays and scalars, and the report."""

    tree: Any
    report: Report


class Prepared:
    """A restore of which all is read and checked, and nothing is changed yet.

    `digest`: of the checkpoint. `variables` come with their new buffers, `owners` of scalars with the new scalars and
    those that they have.
    """

    def __init__(
        self,
        restored: Restored,
        digest: str,
        variables: Sequence[tuple[Any, Any]] = (),
        owners: Sequence[tuple[Any, dict[str, Any], dict[str, Any]]] = (),
    ) -> None:
        self.digest = digest
        self._restored, self._variables, self._owners = restored, variables, owners
        self._replaced: list[tuple[Any, Any]] = []
        self._loaded: list[tuple[Any, dict[str, Any]]] = []

    def apply(self) -> Restored:
        """Puts new values into variables and objects; if anything is raised meanwhile, the old ones go back."""
        try:
            for variable, buffer in self._variables:
                self._replaced.append((variable, variable.payload))
                variable.replace(buffer)
            for owner, new, old in self._owners:
                self._loaded.append((owner, old))
                owner.load_checkpoint_state(new)
        except BaseException:
            self.undo()
            raise
        return self._restored

    def undo(self) -> None:
        """Puts back what `apply` replaced, if it did."""
        loaded, self._loaded = self._loaded, []
        replaced, self._replaced = self._replaced, []
        for owner, scalars in loaded:
            owner.load_checkpoint_state(scalars)
        for variable, buffer in replaced:
            variable.replace(buffer)


def by_owner(target: Flattened, scalars: Mapping[Path, Any]) -> dict[Path, dict[str, Any]]:
    """The scalars of each object, by its own names for them; those that no object has are left out."""
    found: dict[Path, dict[str, Any]] = {}
    for path, value in scalars.items():
        depth = next((depth for depth in reversed(range(len(path))) if path[:depth] in target.owners), None)
        if depth is not None:
            found.setdefault(path[:depth], {})[shown(path[depth:])] = value
    return found
