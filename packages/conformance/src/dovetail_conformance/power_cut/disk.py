"""The events of a folder as changes of files and of names, each with the moment from which on it is durable."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from math import inf

from .events import (
    CreateFile,
    Event,
    Exchange,
    Link,
    MakeFolder,
    RemoveFile,
    RemoveFolder,
    Rename,
    SaveBegan,
    SaveReturned,
    SyncAll,
    SyncFile,
    SyncFolder,
    Truncate,
    Write,
)

ROOT = 0
"""The number of the folder itself. Every file and folder has one, and keeps it when it is renamed."""


class Fate(StrEnum):
    """What a power cut made of a block that was written and not synced."""

    LOST = "lost"
    KEPT = "kept"
    ZEROED = "zeroed"
    """The file has its length, but zeros where the block was written."""
    GARBLED = "garbled"
    """The file has its length, but other bytes where the block was written."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What a file system promises beyond what it was asked for.

    `fates`: what may become of blocks. `ordered`: changes of names, and truncations, reach the disk in the order in
    which they were made, and any sync makes all earlier ones durable.
    """

    fates: tuple[Fate, ...] = tuple(Fate)
    ordered: bool = False


POSIX = Rules()
"""No promise: each change of a name is durable once its folder is synced, each block once its file is."""
JOURNALED = Rules((Fate.LOST, Fate.KEPT), ordered=True)
"""About ext4 with data=ordered and without auto_da_alloc: a kind disk, on which less is lost than may be."""


@dataclass(slots=True)
class Change:
    """One change of contents: `data` at `offset`, or (None) the size `offset`."""

    made_at: int
    offset: int
    data: bytes | None
    durable_at: float = inf


@dataclass(slots=True)
class Naming:
    """One change of names, which a power cut leaves done or not done: in a folder, a name stands for a number, or for
    nothing."""

    made_at: int
    names: tuple[tuple[int, str, int | None], ...]
    durable_at: float = inf


@dataclass
class Disk:
    """All changes, by the moment after the event that made them: 1 for the first event, 0 for what was there before."""

    rules: Rules
    block_bytes: int
    contents: dict[int, list[Change]] = field(default_factory=dict)
    folders: dict[int, dict[str, int]] = field(default_factory=lambda: {ROOT: {}})
    namings: list[Naming] = field(default_factory=list)
    moment: int = 0

    @classmethod
    def of(cls, events: Iterable[Event], start: Mapping[str, bytes | None], rules: Rules, block_bytes: int) -> Disk:
        """The changes of events, from a folder with the files and (None) folders `start`, all durable."""
        disk = cls(rules, block_bytes)
        for path, data in sorted(start.items()):
            disk._apply(MakeFolder(path) if data is None else CreateFile(path))
            if data:
                disk._apply(Write(path, 0, data))
        disk._apply(SyncAll())
        for moment, event in enumerate(events, start=1):
            disk.moment = moment
            disk._apply(event)
        return disk

    def _apply(self, event: Event) -> None:
        match event:
            case MakeFolder(path):
                self.folders[number := self._new_number()] = {}
                self._name((*self._place(path), number))
            case CreateFile(path):
                self.contents[number := self._new_number()] = []
                self._name((*self._place(path), number))
            case Write(path, offset, data):
                self._write(self._find(path), offset, data)
            case Truncate(path, size):
                self.contents[self._find(path)].append(Change(self.moment, size, None))
            case Rename(source, target):
                self._name((*self._place(source), None), (*self._place(target), self._find(source)))
            case Exchange(source, target):
                self._name((*self._place(source), self._find(target)), (*self._place(target), self._find(source)))
            case Link(source, target):
                self._name((*self._place(target), self._find(source)))
            case RemoveFile(path) | RemoveFolder(path):
                self._find(path)
                self._name((*self._place(path), None))
            case SyncFile(path):
                self._sync(files=[self._find(path)])
            case SyncFolder(path):
                self._sync(folders=[self._find(path)])
            case SyncAll():
                self._sync(files=list(self.contents), folders=list(self.folders))
            case SaveBegan() | SaveReturned():
                pass

    def _find(self, path: str) -> int:
        number = ROOT
        for name in filter(None, path.split("/")):
            try:
                number = self.folders[number][name]
            except KeyError:
                raise ValueError(f"event {self.moment}: there is no {path!r} at that moment") from None
        return number

    def _place(self, path: str) -> tuple[int, str]:
        folder, _, name = path.rpartition("/")
        return self._find(folder), name

    def _new_number(self) -> int:
        return len(self.contents) + len(self.folders)

    def _name(self, *names: tuple[int, str, int | None]) -> None:
        self.namings.append(Naming(self.moment, names))
        rename(self.folders, names)

    def _write(self, number: int, offset: int, data: bytes) -> None:
        done = 0
        while done < len(data):
            end = min(len(data), done + self.block_bytes - (offset + done) % self.block_bytes)
            self.contents[number].append(Change(self.moment, offset + done, data[done:end]))
            done = end

    def _sync(self, files: Iterable[int] = (), folders: Iterable[int] = ()) -> None:
        synced = set(folders)
        durable: list[Change | Naming] = [change for number in files for change in self.contents[number]]
        durable += [naming for naming in self.namings if synced & {folder for folder, _, _ in naming.names}]
        if self.rules.ordered:
            durable += self.namings
            durable += [change for changes in self.contents.values() for change in changes if change.data is None]
        for change in durable:
            change.durable_at = min(change.durable_at, self.moment)


def rename(folders: dict[int, dict[str, int]], names: Iterable[tuple[int, str, int | None]]) -> None:
    """Makes names stand for what they stand for after one change."""
    for folder, name, number in names:
        if number is None:
            folders[folder].pop(name, None)
        else:
            folders[folder][name] = number
