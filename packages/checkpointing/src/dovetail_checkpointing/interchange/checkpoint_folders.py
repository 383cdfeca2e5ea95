"""Dovetail's own checkpoints, through the same functions that everybody uses."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from dovetail_protocols.errors import CheckpointMismatchError

from ..object_tree import shown
from ..reading import open as open_checkpoint
from ..saving import save
from ..storage import FileSystem
from .contents import Contents, StoredArray
from .limits import ForeignLimits
from .rules import array_name


@contextmanager
def reading(path: Path, limits: ForeignLimits) -> Iterator[Contents]:
    """The tensors and scalars of a checkpoint by object path; each tensor is read when it is asked for.

    Raises: CheckpointError where there is none, CheckpointCorruptError.
    """
    with open_checkpoint(path) as found:
        tied = {shown(alias): shown(original) for alias, original in found.manifest.aliases.items()}
        arrays = {
            array_name(name, limits, str(path)): StoredArray(
                info.dtype, info.shape, partial(found.read, name), tied.get(name, name)
            )
            for name, info in found.tensors.items()
        }
        yield Contents(arrays, dict(found.scalars))


def write(path: Path, contents: Contents, *, overwrite: bool = False, file_system: FileSystem | None = None) -> None:
    """Saves a checkpoint whose tree has the names' parts as keys, whole numbers as integers.

    Raises: CheckpointMismatchError for a name that is also the begin of another; what `save` raises.
    """
    values: dict[Any, Any] = {}  # one array for all of its names, which `save` then writes once
    tree: dict[str | int, Any] = {}
    for name, array in contents.arrays.items():
        key = name if array.identity is None else (array.identity,)
        values.setdefault(key, array.read())
        _put(tree, name, values[key])
    for name, scalar in contents.scalars.items():
        _put(tree, name, scalar)
    save(path, tree, overwrite=overwrite, file_system=file_system)


def _put(tree: dict[str | int, Any], name: str, value: Any) -> None:
    *parents, last = (_key(part) for part in name.split("/"))
    inner: Any = tree
    for parent in parents:
        inner = inner.setdefault(parent, {}) if isinstance(inner, dict) else None
    if not isinstance(inner, dict) or last in inner:
        raise CheckpointMismatchError(
            "a name is also the begin of another, which a tree can't hold", where=repr(name), fix="change names={...}"
        )
    inner[last] = value


def _key(part: str) -> str | int:
    """A part of a name as key: 0 for "0", as lists of modules have it, but not for "00"."""
    return int(part) if part.isdecimal() and part.isascii() and str(int(part)) == part else part
