"""What a disk was asked to do, in order: writes, and flushes of its cache."""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

_HEAD = struct.Struct("<QQ")
_FLUSH = (1 << 64) - 1


@dataclass(frozen=True, slots=True)
class Write:
    offset: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Flush:
    """Every write before it is on the disk."""


Entry: TypeAlias = Write | Flush


class LogFile:
    """The log as it grows. Its size is a place in it: what is written later stands after that."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def write(self, offset: int, data: bytes) -> None:
        os.writev(self._descriptor, [_HEAD.pack(offset, len(data)), data])

    def flush(self) -> None:
        os.write(self._descriptor, _HEAD.pack(_FLUSH, 0))


def read(path: Path) -> tuple[list[Entry], list[int]]:
    """The entries of a log, and where in the file each ends."""
    data, place = path.read_bytes(), 0
    entries: list[Entry] = []
    ends: list[int] = []
    while place < len(data):
        offset, size = _HEAD.unpack_from(data, place)
        place += _HEAD.size
        entries.append(Flush() if offset == _FLUSH else Write(offset, data[place : place + size]))
        place += size
        ends.append(place)
    return entries, ends
