"""What is left of a call that failed: what its error says, and what is on disk."""

from __future__ import annotations

from pathlib import Path

from dovetail_protocols.errors import CheckpointError


def require_told(error: CheckpointError, *parts: str) -> None:
    """That an error says each of some things."""
    for part in parts:
        assert part in str(error), str(error)


def files_in(folder: Path) -> dict[str, bytes]:
    """The bytes of every file below a folder, by its path there."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
