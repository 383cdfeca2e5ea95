"""manifest.json: what a checkpoint holds. It is the authority; data that disagrees with it is corrupt.

Canonical JSON (sorted keys, no spaces), no code, no class names. Numbers of scalars are strings, decimal or
hexadecimal, so that each comes back to the bit. `root`, the SHA-256 of all the rest, is the last member.
docs/checkpoints/format.md describes each field."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from .float_text import float_text
from .object_tree import Path
from .sealed_json import seal
from .uncollected import uncollected

FORMAT, VERSION = "dovetail-checkpoint", 2
NAME = "manifest.json"
WRITER = "dovetail-checkpointing 0.1.0"
CHUNK_BYTES = 8 << 20
"""Data is checked in pieces of this size."""

Container = Literal["dict", "list", "tuple"]


@dataclass(frozen=True, slots=True)
class FileRecord:
    """A data file. `chunk_crc32`: of each CHUNK_BYTES of its data, the last piece shorter. `sha256`: of the whole
    file, or None where it was saved without. `header_sha256`: of what precedes the data, the length included."""

    name: str
    size_bytes: int
    data_start: int
    header_sha256: str
    chunk_crc32: tuple[str, ...]
    sha256: str | None

    @property
    def data_bytes(self) -> int:
        return self.size_bytes - self.data_start


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a tensor: bytes `begin` to `end` of the data in file number `file`. `starts` and `sizes` say which part
    it is, per axis."""

    file: int
    begin: int
    end: int
    starts: tuple[int, ...]
    sizes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class TensorRecord:
    """A tensor: where it stood, and the pieces of it, which tile it exactly."""

    path: Path
    dtype: str
    shape: tuple[int, ...]
    pieces: tuple[Piece, ...]


@dataclass(frozen=True)
class Manifest:
    """Contents of one checkpoint. `items`: the schema version of each top-level key. `containers`: which of the nodes
    are lists, tuples or empty dicts. `metrics`: what the user measured, such as a validation loss."""

    step: int | None
    files: tuple[FileRecord, ...]
    tensors: Sequence[TensorRecord]
    scalars: Mapping[Path, Any]
    aliases: Mapping[Path, Path]
    containers: Mapping[Path, Container] = field(default_factory=dict)
    items: Mapping[str, int] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    writer: str = WRITER
    digest: str = ""
    """The manifest's `root`, set by reading and by `to_bytes`."""

    @uncollected
    def to_bytes(self) -> tuple[bytes, str]:
        """The manifest as it is written, and its root."""
        return seal(
            {
                "aliases": [[list(path), list(target)] for path, target in self.aliases.items()],
                "containers": [[list(path), kind] for path, kind in self.containers.items()],
                "files": [_file(file) for file in self.files],
                "format": FORMAT,
                "items": dict(self.items),
                "metrics": {name: float_text(value) for name, value in self.metrics.items()},
                "min_reader": VERSION,
                "scalars": [[list(path), *scalar_text(value)] for path, value in self.scalars.items()],
                "step": None if self.step is None else str(self.step),
                "tensors": [[list(t.path), t.dtype, list(t.shape), _pieces(t)] for t in self.tensors],
                "version": VERSION,
                "writer": self.writer,
            },
            sort_keys=True,
        )


def _file(record: FileRecord) -> dict[str, Any]:
    return {
        "bytes": record.size_bytes,
        "chunk_crc32": list(record.chunk_crc32),
        "data_start": record.data_start,
        "header_sha256": record.header_sha256,
        "name": record.name,
        "sha256": record.sha256,
    }


def _pieces(tensor: TensorRecord) -> list[list[Any]]:
    """Three numbers for a tensor in one piece; its place in the tensor too where there are several."""
    return [
        [piece.file, piece.begin, piece.end]
        if piece.sizes == tensor.shape
        else [piece.file, piece.begin, piece.end, list(piece.starts), list(piece.sizes)]
        for piece in tensor.pieces
    ]


def scalar_text(value: Any) -> tuple[str, str]:
    """A scalar as the manifest has it: its kind, and its value to the bit."""
    if isinstance(value, bool) or value is None:
        return type(value).__name__, str(value)
    if isinstance(value, float):
        return "float", float_text(value)
    if isinstance(value, bytes):
        return "bytes", b64encode(value).decode()
    if isinstance(value, int):
        return "int", hex(value)
    return "str", str(value)
