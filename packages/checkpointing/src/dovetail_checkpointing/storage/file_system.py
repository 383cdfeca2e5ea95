"""The storage that saving and restoring go through: small, so that others can be written, and faults injected."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath
from typing import Protocol


class WritableFile(Protocol):
    """A new file under way. Whoever opened it closes it."""

    def write(self, data: bytes | memoryview) -> None:
        """Appends all of the data."""

    def sync(self) -> None:
        """Returns once what was written survives a power cut. After a failure the file is worthless: never again."""

    def close(self) -> None: ...


class ReadableFile(Protocol):
    """A file open for reading, also by several threads at once."""

    @property
    def size_bytes(self) -> int: ...
    def read_into(self, offset: int, *buffers: memoryview) -> int:
        """Fills the buffers, one after the other, from an offset on; how many bytes there were, fewer only at the end
        of the file."""

    def map(self) -> memoryview:
        """The whole file in memory, read-only, loaded as it is touched; valid until nobody holds a view of it."""

    def forget_cached(self) -> None:
        """Lets the next read come from the device rather than from memory, as far as the system knows how."""

    def close(self) -> None: ...


class ReadableFolder(Protocol):
    """A folder open for reading: it stays the same one when another takes its name."""

    def open(self, name: str) -> ReadableFile:
        """A regular file directly in it. Raises CheckpointUnsafeError for a link, a pipe, a device or a folder."""

    def close(self) -> None: ...


class Lock(Protocol):
    """A lock that is held until it is released, or its process ends."""

    def release(self) -> None:
        """Never raises: whoever holds it has done what it was for."""


class FileSystem(Protocol):
    """What checkpoints need of storage. Every call raises OSError where it fails; none retries.

    `publishes_by_rename`: a folder appears whole by a rename. Where that isn't so (object stores), its manifest is
    created last instead, `create` fails if it is there, and `rename` and `exchange` aren't called.
    """

    publishes_by_rename: bool

    def list_folder(self, path: PurePath) -> Sequence[str]:
        """Names in a folder, in any order. Raises FileNotFoundError or NotADirectoryError."""

    def exists(self, path: PurePath) -> bool:
        """Whether there is anything of that name, be it a link to nowhere."""

    def open_folder(self, path: PurePath) -> ReadableFolder: ...
    def make_folder(self, path: PurePath) -> None:
        """Makes one folder; its parent is there, and it isn't."""

    def create(self, path: PurePath, size_bytes: int, *, replaces: bool = False) -> WritableFile:
        """Creates a file that isn't there yet, with room for so many bytes reserved as far as the system can. With
        `replaces`, which only object stores are asked for, it takes the place of one that is there in one step."""

    def sync_folder(self, path: PurePath) -> None:
        """Returns once the names in a folder survive a power cut."""

    def rename(self, source: PurePath, target: PurePath) -> None:
        """Renames in one step. Fails where the target is there and not an empty folder."""

    def exchange(self, one: PurePath, other: PurePath) -> None:
        """Two names swap what they stand for, in one step."""

    def remove_file(self, path: PurePath) -> None: ...
    def remove_folder(self, path: PurePath) -> None:
        """Removes an empty folder."""

    def lock(self, path: PurePath, *, keep: bool) -> Lock:
        """Locks by a file that says who holds it; released, it is removed unless `keep`.

        Raises: CheckpointBusyError at once where somebody else holds it.
        """

    def free_bytes(self, path: PurePath) -> int | None:
        """Room that is left where a folder is, or None where nobody can tell."""

    def mount(self, path: PurePath) -> PurePath | None:
        """Where the device or share that a folder is on begins, for people to read; None where that means nothing."""
