"""Zip archives of foreign files: which members there are is checked whole before one is read; none is extracted."""

from __future__ import annotations

import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import BinaryIO

from dovetail_protocols.errors import CheckpointCorruptError, CheckpointUnsafeError

from .files import opened, size_of
from .limits import ForeignLimits
from .rules import array_name, expansion, within

_CHUNK_BYTES = 1 << 20
_END_BYTES = 22 + (1 << 16)
_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    NotImplementedError,
    RuntimeError,
    ValueError,
    struct.error,
    OSError,
)
"""What zipfile raises for archives that aren't whole, or made to confuse it."""


class Archive:
    """The members of an archive by name."""

    def __init__(self, archive: zipfile.ZipFile, members: Mapping[str, zipfile.ZipInfo], where: str) -> None:
        self.members, self.where = members, where
        self._archive = archive

    def read(self, name: str, limit_bytes: int | None = None) -> bytes:
        """A member's bytes, checked against its checksum; with a limit, at most so many of its first ones, unchecked.

        Raises: CheckpointCorruptError.
        """
        size = self.members[name].file_size
        try:
            with self._archive.open(self.members[name]) as member:
                data = member.read(size if limit_bytes is None else limit_bytes)
                is_whole = limit_bytes is not None or (len(data) == size and not member.read(1))
        except _DAMAGE as error:
            raise self._damaged(name, str(error)) from error
        if not is_whole:
            raise self._damaged(name, "its length isn't what is declared")
        return data

    def copy(self, name: str, target: BinaryIO) -> None:
        """Writes a member's bytes to an open file.

        Raises: CheckpointCorruptError.
        """
        left = self.members[name].file_size
        try:
            with self._archive.open(self.members[name]) as member:
                while chunk := member.read(_CHUNK_BYTES):
                    left -= len(chunk)
                    if left < 0:
                        break
                    target.write(chunk)
        except _DAMAGE as error:
            raise self._damaged(name, str(error)) from error
        if left:
            raise self._damaged(name, "its length isn't what is declared")

    def _damaged(self, name: str, cause: str) -> CheckpointCorruptError:
        return CheckpointCorruptError("a member of an archive is damaged", where=f"{self.where}: {name!r}", cause=cause)


@contextmanager
def archive(path: Path, limits: ForeignLimits, *, stored_only: bool = False) -> Iterator[Archive]:
    """An open archive whose members were checked: names, kinds, declared sizes each and together.

    Raises: CheckpointCorruptError, CheckpointUnsafeError.
    """
    where = str(path)
    with opened(path) as file:
        count = _directory(file, limits, where)
        try:
            found = zipfile.ZipFile(file)
        except _DAMAGE as error:
            raise CheckpointCorruptError("this is no whole zip archive", where=where, cause=str(error)) from error
        with found:
            if len(found.infolist()) != count:
                raise CheckpointCorruptError(
                    "a zip archive has lost members",
                    where=where,
                    expected=f"{count:,}, as its end says",
                    got=f"{len(found.infolist()):,}",
                )
            yield Archive(found, MappingProxyType(_checked(found, limits, stored_only, where)), where)


def _directory(file: BinaryIO, limits: ForeignLimits, where: str) -> int:
    """How many members an archive says it has, which zipfile doesn't compare with those it finds. The table of contents
    is bounded before zipfile makes objects of it, and the file must be an archive from its begin.
    """
    size = size_of(file)
    start = file.read(4)
    if start not in (b"PK\x03\x04", b"PK\x05\x06"):
        raise CheckpointCorruptError("this is no zip archive", where=where, got=repr(start))
    file.seek(max(0, size - _END_BYTES))
    tail = file.read(_END_BYTES)
    end = tail.rfind(b"PK\x05\x06")
    if end < 0 or len(tail) - end < 22:
        raise CheckpointCorruptError("a zip archive has no end", where=where, fix="it was cut short; get it again")
    count_here, count, directory_bytes = struct.unpack_from("<HHL", tail, end + 8)
    wide = tail.rfind(b"PK\x06\x06", 0, end)
    if wide >= 0 and len(tail) - wide >= 56 and (count == 0xFFFF or directory_bytes == 0xFFFFFFFF):
        count_here, count, directory_bytes = struct.unpack_from("<QQQ", tail, wide + 24)
    if count_here != count:
        raise CheckpointCorruptError("a zip archive is one of several parts", where=where)
    within("the number of an archive's members", count, limits, "arrays", where)
    within("the size of an archive's table of contents", directory_bytes, limits, "header_bytes", where)
    file.seek(0)
    return int(count)


def _checked(
    found: zipfile.ZipFile, limits: ForeignLimits, stored_only: bool, where: str
) -> dict[str, zipfile.ZipInfo]:
    members: dict[str, zipfile.ZipInfo] = {}
    for info in found.infolist():
        name = array_name(info.orig_filename, limits, where)
        place = f"{where}: {name!r}"
        mode = info.external_attr >> 16
        if stat.S_IFMT(mode) not in (0, stat.S_IFREG) and not (stat.S_ISDIR(mode) and info.is_dir()):
            raise CheckpointUnsafeError("a member of an archive is no regular file", where=place)
        if "\\" in name or ":" in name:
            raise CheckpointUnsafeError("a member of an archive has a path of Windows as name", where=place)
        if name in members:
            raise CheckpointUnsafeError("a member of an archive stands twice", where=place)
        if info.flag_bits & 0x1:
            raise CheckpointUnsafeError("a member of an archive is encrypted", where=place)
        if info.compress_type not in (
            (zipfile.ZIP_STORED,) if stored_only else (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
        ):
            raise CheckpointUnsafeError("a member of an archive is compressed in a way this format isn't", where=place)
        if info.compress_type == zipfile.ZIP_STORED and info.file_size != info.compress_size:
            raise CheckpointCorruptError("a member of an archive declares two sizes", where=place)
        expansion(info.file_size, info.compress_size, limits, place)
        members[name] = info
    stored = sum(info.compress_size for info in members.values())
    expansion(sum(info.file_size for info in members.values()), stored, limits, where)
    return members
