"""What happened to a folder: calls of storage in the order in which they succeeded.

Paths are relative to the folder, with slashes; "" is the folder itself. A path names what it named when the call was
made. A call that failed changed nothing and is left out.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class MakeFolder:
    path: str


@dataclass(frozen=True, slots=True)
class CreateFile:
    """A new, empty file. Opening one that exists is no event, emptying it a Truncate."""

    path: str


@dataclass(frozen=True, slots=True)
class Write:
    path: str
    offset: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Truncate:
    """The file has this size now: cut, or filled up with zeros, as where its size is reserved."""

    path: str
    size: int


@dataclass(frozen=True, slots=True)
class SyncFile:
    """fsync of a file, which succeeded. It says nothing of the file's name."""

    path: str


@dataclass(frozen=True, slots=True)
class SyncFolder:
    """fsync of a folder: the names in it, not those in folders below it, nor the contents of files."""

    path: str


@dataclass(frozen=True, slots=True)
class SyncAll:
    """sync or syncfs."""


@dataclass(frozen=True, slots=True)
class Rename:
    """What stood at `target`, if anything, is gone."""

    source: str
    target: str


@dataclass(frozen=True, slots=True)
class Exchange:
    """Two names swap what they stand for, in one step."""

    source: str
    target: str


@dataclass(frozen=True, slots=True)
class Link:
    """A second name for the file `source`."""

    source: str
    target: str


@dataclass(frozen=True, slots=True)
class RemoveFile:
    path: str


@dataclass(frozen=True, slots=True)
class RemoveFolder:
    path: str


@dataclass(frozen=True, slots=True)
class SaveBegan:
    """No call of storage: from here on the disk may hold the save of this name."""

    save: Hashable


@dataclass(frozen=True, slots=True)
class SaveReturned:
    """No call of storage: from here on the disk must hold the save of this name, or one that began later."""

    save: Hashable


Event: TypeAlias = (
    MakeFolder
    | CreateFile
    | Write
    | Truncate
    | SyncFile
    | SyncFolder
    | SyncAll
    | Rename
    | Exchange
    | Link
    | RemoveFile
    | RemoveFolder
    | SaveBegan
    | SaveReturned
)
