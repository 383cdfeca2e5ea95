"""Hostile: one file, what reading it must raise, and a word that the message must have."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from dovetail_protocols.errors import CheckpointCorruptError, CheckpointUnsafeError, DovetailError, DTypeError


@dataclass(frozen=True)
class Hostile:
    make: Callable[[Path], Path]
    error: type[DovetailError]
    says: str


def corrupt(make: Callable[[Path], Path], says: str) -> Hostile:
    return Hostile(make, CheckpointCorruptError, says)


def unsafe(make: Callable[[Path], Path], says: str) -> Hostile:
    return Hostile(make, CheckpointUnsafeError, says)


def unknown(make: Callable[[Path], Path], says: str) -> Hostile:
    return Hostile(make, DTypeError, says)


def file(name: str, data: bytes) -> Callable[[Path], Path]:
    """A maker of a file of these bytes."""

    def make(folder: Path) -> Path:
        (folder / name).write_bytes(data)
        return folder / name

    return make
