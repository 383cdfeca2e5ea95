"""Ways to commit a checkpoint with one step wrong, each of which some workload must expose."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any
from unittest.mock import patch

from crash.inside.power_cuts import Outcome, judge
from crash.inside.workloads import Storage, workloads
from dovetail_checkpointing.commit import Staging


class Passing:
    """Storage that hands on every call, for others to leave out some. `moved`: the target of the last rename."""

    publishes_by_rename = True

    def __init__(self, inner: Any) -> None:
        self.inner = inner
        self.moved: PurePath | None = None
        self.has_made_folders = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def rename(self, source: PurePath, target: PurePath) -> None:
        self.inner.rename(source, target)
        self.moved = target

    def exchange(self, one: PurePath, other: PurePath) -> None:
        self.inner.exchange(one, other)
        self.moved = other

    def make_folder(self, path: PurePath) -> None:
        self.inner.make_folder(path)
        self.moved = None
        self.has_made_folders = True

    def create(self, path: PurePath, size_bytes: int, *, replaces: bool = False) -> Any:
        self.moved = None
        return self.inner.create(path, size_bytes, replaces=replaces)

    def remove_file(self, path: PurePath) -> None:
        self.inner.remove_file(path)
        self.moved = None


class WithoutFileSync(Passing):
    """No fsync of files whose name ends so."""

    ending = ""

    def create(self, path: PurePath, size_bytes: int, *, replaces: bool = False) -> Any:
        file = super().create(path, size_bytes, replaces=replaces)
        if path.name.endswith(self.ending):
            file.sync = lambda: None
        return file


class WithoutShardSync(WithoutFileSync):
    ending = ".safetensors"


class WithoutManifestSync(WithoutFileSync):
    ending = ".json"


class WithoutFolderSync(Passing):
    """No fsync of folders of which `is_left_out` is true."""

    def is_left_out(self, path: PurePath) -> bool:
        raise NotImplementedError

    def sync_folder(self, path: PurePath) -> None:
        if not self.is_left_out(path):
            self.inner.sync_folder(path)
        self.moved = None


class WithoutStagingSync(WithoutFolderSync):
    def is_left_out(self, path: PurePath) -> bool:
        return path.name.startswith(".tmp-")


class WithoutRootSync(WithoutFolderSync):
    def is_left_out(self, path: PurePath) -> bool:
        return path.as_posix() in ROOTS and self.moved is not None


class WithoutParentSync(WithoutFolderSync):
    def is_left_out(self, path: PurePath) -> bool:
        return path.as_posix() in (".", "runs")


class WithoutParentSyncOfOthers(WithoutFolderSync):
    def is_left_out(self, path: PurePath) -> bool:
        return path.as_posix() in (".", "runs") and not self.has_made_folders


class WithoutTrashSync(WithoutFolderSync):
    def is_left_out(self, path: PurePath) -> bool:
        return self.moved is not None and self.moved.name.startswith(".trash-")


class WithoutSyncBeforeCollecting(WithoutFolderSync):
    def is_left_out(self, path: PurePath) -> bool:
        return path.as_posix() in ROOTS and self.moved is None


class SyncsAfterRetention(WithoutFolderSync):
    """The folder of checkpoints is synced once, when old ones are deleted already."""

    def is_left_out(self, path: PurePath) -> bool:
        return path.as_posix() in ROOTS

    def lock(self, path: PurePath, *, keep: bool) -> Any:
        lock = self.inner.lock(path, keep=keep)
        if keep:
            release = lock.release

            def late() -> None:
                self.inner.sync_folder(path.parent)
                release()

            lock.release = late
        return lock


class ReplacesInThreeSteps(Passing):
    """The old checkpoint goes away before the new one has its name."""

    def exchange(self, one: PurePath, other: PurePath) -> None:
        between = other.with_name(".tmp-between-0123456789abcdef")
        self.inner.rename(other, between)
        self.inner.rename(one, other)
        self.inner.rename(between, one)
        self.moved = other


ROOTS = ("run", "runs/one")


@contextmanager
def renames_first() -> Iterator[None]:
    """The staging folder is synced under its new name only."""

    def publish(self: Staging, *, replaces: bool) -> None:
        swap = self.storage.exchange if replaces else self.storage.rename
        swap(self.folder, self.target.path)
        self.sync_folder(self.target.path)
        self.sync_folder(self.target.path.parent, is_visible=True)

    with patch.object(Staging, "publish", publish):
        yield


@dataclass(frozen=True)
class Mutant:
    """One fault. `exposes` names the workload that must show it, `as_` what that finds then."""

    name: str
    exposes: str
    as_: tuple[str, ...]
    storage: Storage = field(default=lambda storage: storage)
    patched: Callable[[], Any] = nullcontext
    options: tuple[tuple[str, Any], ...] = ()

    def outcomes(self, limit: int, seed: int) -> Iterator[Outcome]:
        """What the workload finds, run by run, until it finds what it should."""
        with self.patched():
            for workload in workloads(self.exposes, self.storage, **dict(self.options)):
                yield judge(workload, limit, seed)


MUTANTS = (
    Mutant("the data files are not synced", "two steps", ("refused",), WithoutShardSync),
    Mutant("the manifest is not synced", "two steps", ("refused",), WithoutManifestSync),
    Mutant("the staging folder is not synced", "two steps", ("refused",), WithoutStagingSync),
    Mutant("the folder of checkpoints is not synced", "two steps", ("lost", "stale"), WithoutRootSync),
    Mutant("the folder above it is not synced", "two steps", ("lost",), WithoutParentSync),
    Mutant(
        "a folder that a killed process made is not synced",
        "first save after a killed one",
        ("lost",),
        WithoutParentSyncOfOthers,
    ),
    Mutant("the rename comes before the sync of what it shows", "two steps", ("refused",), patched=renames_first),
    Mutant(
        "checksums are not compared, and the data files are not synced",
        "two steps",
        ("wrong",),
        WithoutShardSync,
        options=(("verify", "header"),),
    ),
    Mutant("old checkpoints are deleted before the new one is durable", "retention", ("lost",), SyncsAfterRetention),
    Mutant(
        "old checkpoints are deleted before it is durable that they are out of sight",
        "retention of falling steps",
        ("refused",),
        WithoutTrashSync,
    ),
    Mutant(
        "leftovers are deleted before it is durable that they are leftovers",
        "replacement after a killed one",
        ("refused",),
        WithoutSyncBeforeCollecting,
    ),
    Mutant("a checkpoint is replaced in three steps", "replacements", ("lost",), ReplacesInThreeSteps),
)
