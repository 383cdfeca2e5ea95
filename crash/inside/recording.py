"""Storage that records what it is asked to do, as events of dovetail_conformance.power_cut."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath

from dovetail_checkpointing import FileSystem
from dovetail_checkpointing.storage import Lock, ReadableFolder, WritableFile
from dovetail_conformance import power_cut
from dovetail_conformance.power_cut import Event


class Killed(BaseException):
    """The process is no more. Nothing may catch this, and storage does nothing for a dead process."""


class RecordingFileSystem:
    """A FileSystem that hands every call on to another one. `events` has those that changed or synced something.

    After `kill_after` such calls every further one raises Killed, those that clean up too: the process is gone.
    """

    publishes_by_rename = True

    def __init__(self, inner: FileSystem, events: list[Event], kill_after: int | None = None) -> None:
        self._inner, self._events, self._calls_left = inner, events, kill_after

    def list_folder(self, path: PurePath) -> Sequence[str]:
        self._live()
        return self._inner.list_folder(path)

    def exists(self, path: PurePath) -> bool:
        self._live()
        return self._inner.exists(path)

    def open_folder(self, path: PurePath) -> ReadableFolder:
        self._live()
        return self._inner.open_folder(path)

    def free_bytes(self, path: PurePath) -> int | None:
        self._live()
        return self._inner.free_bytes(path)

    def mount(self, path: PurePath) -> PurePath | None:
        return self._inner.mount(path)

    def make_folder(self, path: PurePath) -> None:
        self.count()
        self._inner.make_folder(path)
        self.record(power_cut.MakeFolder(_text(path)))

    def create(self, path: PurePath, size_bytes: int, *, replaces: bool = False) -> WritableFile:
        self.count()
        file = self._inner.create(path, size_bytes, replaces=replaces)
        self.record(power_cut.CreateFile(_text(path)))
        if size_bytes:
            self.record(power_cut.Truncate(_text(path), size_bytes))
        return _RecordingFile(file, self, path)

    def sync_folder(self, path: PurePath) -> None:
        self.count()
        self._inner.sync_folder(path)
        self.record(power_cut.SyncFolder(_text(path)))

    def rename(self, source: PurePath, target: PurePath) -> None:
        self.count()
        self._inner.rename(source, target)
        self.record(power_cut.Rename(_text(source), _text(target)))

    def exchange(self, one: PurePath, other: PurePath) -> None:
        self.count()
        self._inner.exchange(one, other)
        self.record(power_cut.Exchange(_text(one), _text(other)))

    def remove_file(self, path: PurePath) -> None:
        self.count()
        self._inner.remove_file(path)
        self.record(power_cut.RemoveFile(_text(path)))

    def remove_folder(self, path: PurePath) -> None:
        self.count()
        self._inner.remove_folder(path)
        self.record(power_cut.RemoveFolder(_text(path)))

    def lock(self, path: PurePath, *, keep: bool) -> Lock:
        """Its file is left out of the events, since what it holds is for people only; those are calls all the same."""
        self.count()
        return _RecordingLock(self._inner.lock(path, keep=keep), self)

    def count(self) -> None:
        """Takes a call that changes something, or dies."""
        self._live()
        if self._calls_left is not None:
            self._calls_left -= 1

    def record(self, event: Event) -> None:
        self._events.append(event)

    def _live(self) -> None:
        if self._calls_left == 0:
            raise Killed


class _RecordingFile:
    def __init__(self, inner: WritableFile, storage: RecordingFileSystem, path: PurePath) -> None:
        self._inner, self._storage, self._path, self._end = inner, storage, path, 0

    def write(self, data: bytes | memoryview) -> None:
        self._storage.count()
        self._inner.write(data)
        written = bytes(data)
        self._storage.record(power_cut.Write(_text(self._path), self._end, written))
        self._end += len(written)

    def sync(self) -> None:
        self._storage.count()
        self._inner.sync()
        self._storage.record(power_cut.SyncFile(_text(self._path)))

    def close(self) -> None:
        self._inner.close()


class _RecordingLock:
    def __init__(self, inner: Lock, storage: RecordingFileSystem) -> None:
        self._inner, self._storage = inner, storage

    def release(self) -> None:
        """Even a dead process releases its locks; its file stays."""
        self._inner.release()


def _text(path: PurePath) -> str:
    return "" if path == PurePath(".") else path.as_posix()
