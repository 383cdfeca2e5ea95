"""Opening a checkpoint's folder, its manifest and its data files; each is looked at before it is believed."""

from __future__ import annotations

from hashlib import sha256

from dovetail_protocols.errors import CheckpointError

from .extents import corrupt
from .limits import Limits, require_below
from .manifest import NAME, FileRecord, Manifest
from .manifest_reader import parse
from .storage import Place, ReadableFile, ReadableFolder


def open_folder(place: Place) -> ReadableFolder:
    try:
        return place.file_system.open_folder(place.path)
    except OSError as error:
        raise _absent(place, f"{type(error).__name__}: {error}") from error


def _absent(place: Place, cause: str) -> CheckpointError:
    return CheckpointError("there is no checkpoint", where=str(place), cause=cause, fix="check the path")


def manifest_in(folder: ReadableFolder, place: Place, limits: Limits) -> Manifest:
    where = place.path / NAME
    try:
        file = folder.open(NAME)
    except FileNotFoundError as error:
        raise _absent(place, f"no {NAME} in it") from error
    except OSError as error:
        raise corrupt(where, f"it can't be opened: {error.strerror}") from error
    try:
        require_below("the manifest", file.size_bytes, limits.manifest_bytes, "manifest_bytes", where)
        data = bytearray(file.size_bytes)
        if file.read_into(0, memoryview(data)) != len(data):
            raise corrupt(where, "it became shorter while it was read")
        return parse(bytes(data), limits, where)
    finally:
        file.close()


def open_checked(folder: ReadableFolder, record: FileRecord, place: Place) -> ReadableFile:
    """A data file, whose size and header are those of the manifest.

    Raises: CheckpointCorruptError.
    """
    where = place.path / record.name
    try:
        file = folder.open(record.name)
    except FileNotFoundError as error:
        if _is_removed(folder):
            raise CheckpointError(
                "a checkpoint was removed while it was read",
                where=str(place),
                effect="nothing was restored",
                fix="read another step, or keep more of them",
            ) from error
        raise corrupt(where, "it is missing") from error
    except OSError as error:
        raise corrupt(where, f"it can't be opened: {error.strerror}") from error
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
