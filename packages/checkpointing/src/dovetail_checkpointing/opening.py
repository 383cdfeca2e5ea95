"""Opening a checkpoint's folder, its manifest and its data files; each is looked at before it is believed."""

from __future__ import annotations

from contextlib import closing
from hashlib import sha256

from dovetail_protocols.errors import CheckpointError

from .collecting import STEP
from .extents import corrupt, telling_failures
from .limits import Limits, require_below
from .manifest import NAME, FileRecord, Manifest
from .manifest_reader import parse
from .storage import Place, ReadableFile, ReadableFolder


def open_folder(place: Place) -> ReadableFolder:
    with telling_failures(place.path):
        try:
            return place.file_system.open_folder(place.path)
        except (FileNotFoundError, NotADirectoryError) as error:
            raise _absent(place, f"{type(error).__name__}: {error}") from error


def _absent(place: Place, cause: str, fix: str = "check the path") -> CheckpointError:
    return CheckpointError("there is no checkpoint", where=str(place), cause=cause, fix=fix)


def _instead(place: Place) -> str:
    """What to do where a folder is something else than a checkpoint."""
    try:
        names = sorted(place.file_system.list_folder(place.path))
    except OSError:  # it is only a hint, of an error that is told anyhow
        names = []
    if "program.json" in names:
        return f"it is an exported program: load_program; its weights are the checkpoint {place.child('variables')}"
    steps = [name for name in names if STEP.fullmatch(name)]
    if steps:
        return f"name one of its steps, such as {place.child(steps[-1])}, or take Manager(path).restore_latest(tree)"
    return "check the path"


class RemovedWhileReadError(CheckpointError):
    """A checkpoint was there, and was removed or replaced before all of it was read."""


def was_replaced(place: Place, error: CheckpointError) -> bool:
    """Whether an error says that a checkpoint was removed, and another is in its place now."""
    if not (is_absence(error) or isinstance(error, RemovedWhileReadError)):
        return False
    with telling_failures(place.path):
        return place.file_system.exists(place.path / NAME)


def is_absence(error: CheckpointError) -> bool:
    """Whether an error says that there is no checkpoint, not that it can't be read."""
    return isinstance(error.__cause__, FileNotFoundError | NotADirectoryError)


def manifest_in(folder: ReadableFolder, place: Place, limits: Limits) -> Manifest:
    where = place.path / NAME
    with telling_failures(where):
        try:
            file = folder.open(NAME)
        except FileNotFoundError as error:
            raise _absent(place, f"no {NAME} in it", _instead(place)) from error
        with closing(file):
            require_below("the manifest", file.size_bytes, limits.manifest_bytes, "manifest_bytes", where)
            data = bytearray(file.size_bytes)
            if file.read_into(0, memoryview(data)) != len(data):
                raise corrupt(where, "it became shorter while it was read")
            return parse(bytes(data), limits, where)


def open_checked(folder: ReadableFolder, record: FileRecord, place: Place) -> ReadableFile:
    """A data file, whose size and header are those of the manifest.

    Raises: CheckpointCorruptError; CheckpointError where storage fails.
    """
    where = place.path / record.name
    with telling_failures(where):
        try:
            file = folder.open(record.name)
        except FileNotFoundError as error:
            if _is_removed(folder):
                raise RemovedWhileReadError(
                    "a checkpoint was removed while it was read",
                    where=str(place),
                    effect="nothing was restored",
                    fix="read another step, or keep more of them",
                ) from error
            raise corrupt(where, "it is missing") from error
        try:
            if file.size_bytes != record.size_bytes:
                raise corrupt(where, f"{file.size_bytes:,} of {record.size_bytes:,} bytes")
            header = bytearray(record.data_start)
            file.read_into(0, memoryview(header))
            if sha256(header).hexdigest() != record.header_sha256:
                raise corrupt(where, "its header is not the one that was written")
        except BaseException:
            file.close()
            raise
    return file


def _is_removed(folder: ReadableFolder) -> bool:
    try:
        folder.open(NAME).close()
    except FileNotFoundError:
        return True
    return False
