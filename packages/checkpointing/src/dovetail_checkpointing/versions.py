"""Schema versions of the items of a checkpoint, and the migrations between them.

An item is what stands under a top-level key of the tree: "model" in `{"model": model, "optimizer": optimizer}`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from dovetail_protocols.errors import AttributeValueError

from .object_tree import Path

State = dict[str, Any]
"""What an item holds, by path below it: NumPy arrays and scalars."""
Migration = Callable[[State], State]

_MIGRATIONS: dict[tuple[str, int], tuple[int, Migration]] = {}


def migration(item: str, source: int, target: int) -> Callable[[Migration], Migration]:
    """Decorator: a function that turns the state of an item at version `source` into that at version `target`.

    Once registered, saves write the item at the newest version, and restores of older ones pass through it.

    Raises: AttributeValueError for a version below 1, one that doesn't rise, or a second migration from the same one.
    """
    if not 1 <= source < target:
        raise AttributeValueError(
            "a migration leads from a version to a later one", where=f"migration({item!r})", got=f"{source} to {target}"
        )

    def register(function: Migration) -> Migration:
        if (item, source) in _MIGRATIONS:
            raise AttributeValueError(
                "there is a migration from this version already", where=f"migration({item!r}, {source}, {target})"
            )
        _MIGRATIONS[item, source] = (target, function)
        return function

    return register


def newest_version(item: str) -> int:
    """The version that the registered migrations lead to; 1 where there are none."""
    return max((target for (name, _), (target, _) in _MIGRATIONS.items() if name == item), default=1)


def current_versions(paths: Iterable[Path]) -> dict[str, int]:
    """The version of each item that has migrations, of a tree with values at some paths."""
    items = {str(path[0]) for path in paths if path}
    return {item: newest_version(item) for item in sorted(items) if newest_version(item) > 1}
