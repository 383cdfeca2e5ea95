"""From what a user calls a path to a file system and a path in it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path, PurePath

from .file_system import FileSystem
from .local import LocalFileSystem


@dataclass(frozen=True, slots=True)
class Place:
    """A path in a file system. `scheme` is what a user writes before it, such as "s3://", or ""."""

    file_system: FileSystem
    path: Path
    scheme: str = ""

    def __str__(self) -> str:
        return str(self.spelled)

    @property
    def spelled(self) -> Path | str:
        """The path as a user may hand it in again."""
        return f"{self.scheme}{self.path}" if self.scheme else self.path

    def child(self, name: str) -> Place:
        """The place of a name in it."""
        return Place(self.file_system, self.path / name, self.scheme)

    @property
    def parent(self) -> Place:
        return Place(self.file_system, self.path.parent, self.scheme)


def locate(path: str | os.PathLike[str] | PurePath, file_system: FileSystem | None = None) -> Place:
    """The place of a path: in the given file system; in that of a URL, such as "s3://bucket/run", or on this machine.

    Raises: CheckpointError for a URL where fsspec, or the package for its scheme, is missing.
    """
    if file_system is None and isinstance(path, str) and "://" in path:
        from .object_store import ObjectStore

        storage, inner = ObjectStore.of(path)
        return Place(storage, Path(inner), path[: path.index("://") + 3])
    return Place(file_system or LocalFileSystem(), Path(path))
