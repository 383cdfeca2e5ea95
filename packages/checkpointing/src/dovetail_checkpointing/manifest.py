"""manifest.json: what a checkpoint holds. It is the authority; data that disagrees with it is corrupt.

Canonical JSON (sorted keys, no spaces), no code, no class names. Integers are decimal strings, floats hexadecimal, so
that every scalar comes back to the bit.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from dovetail_protocols.dtypes import dtype as find_dtype
from dovetail_protocols.errors import CheckpointCorruptError, CheckpointError, DTypeError

from .object_tree import Path

FORMAT, VERSION = "dovetail-checkpoint", 1
LIMIT_BYTES = 64 << 20
NAME = "manifest.json"


@dataclass(frozen=True)
class TensorRecord:
    """Where a tensor is: `name` in `file`. `crc32` is of its bytes, C order, little endian."""

    path: Path
    dtype: str
    shape: tuple[int, ...]
    file: str
    name: str
    crc32: int


@dataclass(frozen=True)
class FileRecord:
    """A data file: its size, and the SHA-256 of its header (the length that it begins with included)."""

    size_bytes: int
    header_sha256: str


@dataclass(frozen=True)
class Manifest:
    """Contents of one checkpoint."""

    step: int | None
    files: dict[str, FileRecord]
    tensors: tuple[TensorRecord, ...]
    scalars: dict[Path, Any]
    aliases: dict[Path, Path]

    def to_bytes(self) -> bytes:
        document = {
            "format": FORMAT,
            "version": VERSION,
            "step": None if self.step is None else str(self.step),
            "files": {name: [str(file.size_bytes), file.header_sha256] for name, file in self.files.items()},
            "tensors": [
                [_path(t.path), t.dtype, [str(size) for size in t.shape], t.file, t.name, str(t.crc32)]
                for t in self.tensors
            ],
            "scalars": [[_path(path), *_scalar(value)] for path, value in self.scalars.items()],
            "aliases": [[_path(path), _path(target)] for path, target in self.aliases.items()],
        }
        body = _canonical(document)
        return _canonical(document | {"root": sha256(body).hexdigest()})


def parse(data: bytes) -> Manifest:
    """The manifest from its bytes.

    Raises: CheckpointCorruptError where they aren't what was written; CheckpointError for a format from the future.
    """
    try:
        document = json.loads(data, object_pairs_hook=_no_duplicates, parse_constant=_no_constant)
        root = document.pop("root")
        if sha256(_canonical(document)).hexdigest() != root:  # in every version, so that damage is never taken for age
            raise ValueError("its digest differs from the one it states")
        if document["format"] != FORMAT:
            raise ValueError(f"format is {document['format']!r}")
        if document["version"] > VERSION:
            raise CheckpointError(
                f"this checkpoint needs a reader of version {document['version']}",
                got=f"version {VERSION}",
                fix="pip install -U dovetail-checkpointing",
            )
        return _from_document(document)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, DTypeError) as error:
        raise CheckpointCorruptError(
            "the manifest can't be read", where=NAME, cause=str(error), effect="nothing was restored"
        ) from error


def _from_document(document: dict[str, Any]) -> Manifest:
    tensors = tuple(
        TensorRecord(_unpath(path), find_dtype(dtype).name, tuple(int(s) for s in shape), file, name, int(crc))
        for path, dtype, shape, file, name, crc in document["tensors"]
    )
    for record in tensors:
        if record.file not in document["files"] or any(size < 0 for size in record.shape):
            raise ValueError(f"tensor {record.name!r} names no file of this checkpoint, or a negative size")
    for name in document["files"]:
        if not name.replace("-", "").replace(".", "").replace("_", "").isalnum() or name.startswith("."):
            raise ValueError(f"the file name {name!r} is not plain")
    return Manifest(
        None if document["step"] is None else int(document["step"]),
        {name: FileRecord(int(size), digest) for name, (size, digest) in document["files"].items()},
        tensors,
        {_unpath(path): _unscalar(kind, text) for path, kind, text in document["scalars"]},
        {_unpath(path): _unpath(target) for path, target in document["aliases"]},
    )


def _canonical(document: Any) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def _path(path: Path) -> list[list[str]]:
    return [["i", str(part)] if isinstance(part, int) else ["k", part] for part in path]


def _unpath(parts: list[list[str]]) -> Path:
    return tuple(int(part) if kind == "i" else str(part) for kind, part in parts)


def _scalar(value: Any) -> tuple[str, str]:
    if isinstance(value, float):
        return "float", value.hex()
    return type(value).__name__, str(value)


def _unscalar(kind: str, text: str) -> Any:
    if kind == "NoneType":
        return None
    if kind == "bool":
        return {"True": True, "False": False}[text]
    if kind == "float":
        return float.fromhex(text)
    return {"int": int, "str": str}[kind](text)
