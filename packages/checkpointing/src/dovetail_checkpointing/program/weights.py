"""The weights of a program: a checkpoint like any other, in its folder."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path as FilePath
from typing import Any

from ..manifest import NAME
from ..reading import read_manifest, read_tensors
from .records import Path


def digest_of(folder: FilePath) -> str:
    """The digest of the checkpoint in a folder, by which a program knows its own."""
    read_manifest(folder)
    return sha256((folder / NAME).read_bytes()).hexdigest()


def read_weights(folder: FilePath) -> tuple[dict[Path, Any], dict[Path, Any]]:
    """The arrays and the scalars of a checkpoint, by path, each checked."""
    manifest = read_manifest(folder)
    return read_tensors(folder, list(manifest.tensors), manifest), manifest.scalars
