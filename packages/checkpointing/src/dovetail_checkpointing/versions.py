"""Schema versions of the items of a checkpoint, and the migrations between them.

An item is what stands under a top-level key of the tree: "model" in `{"model": model, "optimizer": optimizer}`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from dovetail_protocols.errors import AttributeValueError, CheckpointVersionError

from .item_state import ItemState
from .object_tree import Path

Migration = Callable[[ItemState], Mapping[str, Any]]
Function = TypeVar("Function", bound=Migration)

_MIGRATIONS: dict[tuple[str, int], tuple[int, Migration]] = {}


@dataclass(frozen=True, slots=True)
class Step:
    """A registered migration."""

    item: str
    source: int
    target: int
    function: Migration

    def __str__(self) -> str:
        return f"{self.item}: {self.source} to {self.target}"


def migration(item: str, source: int, target: int) -> Callable[[Function], Function]:
    """Decorator: a function that turns the state of an item at version `source` into that at version `target`.

    It gets an ItemState, the arrays and scalars by path below the item, and returns that, changed, or a new dict. Once
    registered, saves write the item at the newest version, and restores of older ones pass through it.

    Raises: AttributeValueError for a version below 1, one that doesn't rise, or a second migration from the same one.
    """
    if not 1 <= source < target:
        raise AttributeValueError(
            "a migration leads from a version to a later one", where=f"migration({item!r})", got=f"{source} to {target}"
        )

    def register(function: Function) -> Function:
        entry = (target, function)
        if _MIGRATIONS.setdefault((item, source), entry) is not entry:
            raise AttributeValueError(
                "there is a migration from this version already", where=f"migration({item!r}, {source}, {target})"
            )
        return function

    return register


def newest_version(item: str) -> int:
    """The version that the registered migrations lead to; 1 where there are none."""
    return max((target for (name, _), (target, _) in _MIGRATIONS.copy().items() if name == item), default=1)


def items_with_migrations() -> list[str]:
    """The items that migrations are registered for."""
    return sorted({item for item, _ in _MIGRATIONS.copy()})


def current_versions(paths: Iterable[Path]) -> dict[str, int]:
    """The version of each item that has migrations, of a tree with values at some paths."""
    items = {str(path[0]) for path in paths if path}
    return {item: newest_version(item) for item in sorted(items) if newest_version(item) > 1}


def steps_to_newest(item: str, version: int, where: str) -> list[Step]:
    """The migrations from a version of an item to the newest, in order; none where it is that.

    Raises: CheckpointVersionError for a version that is newer, or from which no migration leads on.
    """
    newest = newest_version(item)
    if version > newest:
        raise CheckpointVersionError(
            f"{item!r} in a checkpoint is newer than what this program knows",
            where=where,
            expected=f"version {newest}" + (" at most" if newest > 1 else ", for no migration is registered"),
            got=f"version {version}",
            effect="nothing was changed",
            fix=f"take the program that saved it, or a later one, which registers migrations of {item!r}; "
            "open(path), or restore(path, migrate=False), has it as it is",
        )
    steps: list[Step] = []
    while version < newest:
        if (item, version) not in _MIGRATIONS:
            raise CheckpointVersionError(
                f"{item!r} in a checkpoint is of a version from which no migration leads on",
                where=where,
                expected=f"migrations up to version {newest}",
                got=f"version {version}" + (f", after {', '.join(map(str, steps))}" if steps else ""),
                effect="nothing was changed",
                fix=f"register one: @migration({item!r}, {version}, {version + 1})",
            )
        target, function = _MIGRATIONS[item, version]
        steps.append(Step(item, version, target, function))
        version = target
    return steps
