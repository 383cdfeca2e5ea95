"""Reading of a manifest: nothing of it is believed before it was checked, and nothing unknown is passed over."""

from __future__ import annotations

import gc
import re
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from math import prod
from typing import Any

from dovetail_protocols.errors import (
    CheckpointCorruptError,
    CheckpointError,
    CheckpointUnsafeError,
    CheckpointVersionError,
)

from .float_text import float_from_text
from .limits import DEFAULT, Limits, require_below
from .manifest import CHUNK_BYTES, FORMAT, NAME, VERSION, Container, FileRecord, Manifest, Piece, TensorRecord
from .object_tree import CONTROL, Path, shown
from .sealed_json import unseal
from .tensor_bytes import item_bytes
from .tensor_table import TensorTable
from .tiling import Box, tiles
from .uncollected import uncollected

_FILE_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*\.safetensors")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_CRC32 = re.compile(r"[0-9a-f]{8}")
_FIELDS = {
    *("aliases", "containers", "files", "format", "items", "metrics"),
    *("min_reader", "scalars", "step", "tensors", "version", "writer"),
}
_LARGEST = (1 << 63) - 1
_CONTAINERS: dict[str, Container] = {"dict": "dict", "list": "list", "tuple": "tuple"}


@uncollected
def parse(data: bytes, limits: Limits = DEFAULT, where: object = NAME) -> Manifest:
    """The manifest from its bytes.

    Raises: CheckpointCorruptError where they aren't what was written; CheckpointVersionError for a format from the
    future; CheckpointUnsafeError for what is beyond the limits or leaves its folder.
    """
    with _as_corrupt(where), _without_collection():
        document, root = unseal(data)
        return _Reading(document, limits, where).manifest(root)


@contextmanager
def _as_corrupt(where: object) -> Iterator[None]:
    """Turns what goes wrong with the contents of a manifest into the error for that."""
    try:
        yield
    except CheckpointError:
        raise
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError, OverflowError) as error:
        raise _unreadable(where, error) from error


def _unreadable(where: object, error: Exception) -> CheckpointCorruptError:
    return CheckpointCorruptError(
        "the manifest of a checkpoint can't be read",
        where=where,
        cause=str(error),
        effect="nothing was restored",
        fix="restore an older step",
    )


@contextmanager
def _without_collection() -> Iterator[None]:
    """Keeps the garbage collector from looking through a million new lists again and again, which none of is
    garbage."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


class _Reading:
    """One manifest on its way from JSON to records."""

    def __init__(self, document: dict[str, Any], limits: Limits, where: object) -> None:
        self.document, self.limits, self.where = document, limits, where

    def manifest(self, root: str) -> Manifest:
        document = self.document
        if document.get("format") != FORMAT:
            raise ValueError(f"format is {document.get('format')!r}")
        self._check_version()
        if document.keys() != _FIELDS:
            raise ValueError(f"its members differ: {', '.join(sorted(map(str, document.keys() ^ _FIELDS)))}")
        require_below("the number of tensors", len(document["tensors"]), self.limits.tensors, "tensors", self.where)
        files = tuple(self._file(read) for read in _typed(document["files"], list))
        if len({file.name for file in files}) != len(files):
            raise ValueError("a file stands twice")
        tensors = TensorTable(_typed(document["tensors"], list), lambda read: self._checked(read, files))
        scalars = {path: scalar_from_text(kind, text) for path, kind, text in self._by_path("scalars")}
        if not scalars.keys().isdisjoint(tensors.paths):
            raise ValueError("a path stands twice")
        aliases = {path: self._path(target) for path, target in self._by_path("aliases")}
        containers = {path: _CONTAINERS[kind] for path, kind in self._by_path("containers")}
        return Manifest(
            None if document["step"] is None else int(_typed(document["step"], str)),
            files,
            tensors,
            scalars,
            aliases,
            containers,
            {_typed(name, str): _natural(version) for name, version in document["items"].items()},
            {name: float_from_text(value) for name, value in document["metrics"].items()},
            _typed(document["writer"], str),
            root,
        )

    def _by_path(self, member: str) -> Iterator[tuple[Any, ...]]:
        """The entries of a member, which begin with a path, no two with the same."""
        seen = set()
        for path, *facts in _typed(self.document[member], list):
            found = self._path(path)
            if found in seen:
                raise ValueError(f"{shown(found)} stands twice")
            seen.add(found)
            yield found, *facts

    def _check_version(self) -> None:
        version, needed = _natural(self.document["version"]), _natural(self.document["min_reader"])
        if needed > VERSION:
            raise CheckpointVersionError(
                f"this checkpoint needs a reader of version {needed}",
                where=self.where,
                expected=f"at most {VERSION}",
                got=f"version {version}, written by {str(self.document.get('writer'))[:80]!r}",
                effect="nothing was restored",
                fix="pip install -U dovetail-checkpointing",
            )
        if version < VERSION:
            raise CheckpointVersionError(
                f"this checkpoint is of version {version}, which was never released",
                where=self.where,
                expected=f"version {VERSION}",
                effect="nothing was restored",
                fix="save it again",
            )

    def _file(self, read: Any) -> FileRecord:
        name = _typed(read["name"], str)
        if not _FILE_NAME.fullmatch(name):
            raise CheckpointUnsafeError(
                "a checkpoint names a file that is not plainly in its folder",
                where=self.where,
                expected="letters, digits and ._- before .safetensors",
                got=repr(name[:200]),
                effect="nothing was read",
            )
        size, start = _natural(read["bytes"]), _natural(read["data_start"])
        if not 8 <= start <= size:
            raise ValueError(f"data of {name} begins at {start} of {size} bytes")
        require_below(f"the header of {name}", start, self.limits.header_bytes, "header_bytes", self.where)
        checksums = tuple(_typed(read["chunk_crc32"], list))
        if len(checksums) != -(-(size - start) // CHUNK_BYTES) or not all(map(_CRC32.fullmatch, checksums)):
            raise ValueError(f"the checksums of {name} don't fit its size")
        whole = read["sha256"]
        if not _DIGEST.fullmatch(read["header_sha256"]) or not (whole is None or _DIGEST.fullmatch(whole)):
            raise ValueError(f"the digests of {name} are none")
        if len(read) != 6:
            raise ValueError(f"unknown facts about {name}")
        return FileRecord(name, size, start, read["header_sha256"], checksums, whole)

    def _checked(self, read: Any, files: tuple[FileRecord, ...]) -> TensorRecord:
        try:
            return self._tensor(read, files)
        except (ValueError, KeyError, IndexError, TypeError, AttributeError, OverflowError) as error:
            raise _unreadable(self.where, error) from error

    def _tensor(self, read: Any, files: tuple[FileRecord, ...]) -> TensorRecord:
        path, dtype, shape, pieces = read
        found = self._path(path)
        size = item_bytes(dtype)
        sizes = tuple(shape)
        if len(sizes) > self.limits.rank:
            require_below(f"the rank of {shown(found)}", len(sizes), self.limits.rank, "rank", self.where)
        for axis in sizes:
            if type(axis) is not int or axis < 0:
                raise ValueError(f"the shape of {shown(found)} is {shape!r}")
        if size * prod(axis or 1 for axis in sizes) > _LARGEST:  # NumPy refuses it also beside an empty axis
            raise ValueError(f"the shape of {shown(found)} is beyond all memory")
        if len(pieces) == 1 and len(pieces[0]) == 3:
            file, begin, end = pieces[0]
            whole = Piece(file, begin, end, (0,) * len(sizes), sizes)
            _check_range(whole, size, found, files)
            return TensorRecord(found, dtype, sizes, (whole,))
        parts = tuple(_part(piece, size, sizes, found, files) for piece in pieces)
        if not tiles(sizes, [Box(part.starts, part.sizes) for part in parts]):
            raise ValueError(f"the pieces of {shown(found)} don't tile it")
        return TensorRecord(found, dtype, sizes, parts)

    def _path(self, read: Any) -> Path:
        length = 0
        for part in _typed(read, list):
            if type(part) is str:
                length += len(part)
                if CONTROL.search(part):
                    raise self._bad_name(read)
            elif type(part) is not int:
                raise ValueError(f"a path has {part!r}")
            length += 1
        if length > self.limits.name_bytes or (length * 4 > self.limits.name_bytes and self._is_too_long(read)):
            raise self._bad_name(read)
        return tuple(read)

    def _is_too_long(self, read: list[str | int]) -> bool:
        return len(shown(tuple(read)).encode("utf-8", "surrogatepass")) > self.limits.name_bytes

    def _bad_name(self, read: list[str | int]) -> CheckpointUnsafeError:
        return CheckpointUnsafeError(
            "a name in a checkpoint is too long, or has control characters",
            where=self.where,
            expected=f"at most {self.limits.name_bytes:,} bytes, without control characters",
            got=ascii(shown(tuple(read)))[:120],
            effect="nothing was read",
            fix="if you trust who wrote it and only the length is wrong, pass limits=Limits(name_bytes=…)",
        )


def _check_range(piece: Piece, item: int, path: Path, files: tuple[FileRecord, ...]) -> None:
    if type(piece.file) is not int or not 0 <= piece.file < len(files):
        raise ValueError(f"{shown(path)} is in a file that there is not")
    begin, end = piece.begin, piece.end
    if type(begin) is not int or type(end) is not int or not 0 <= begin <= end <= files[piece.file].data_bytes:
        raise ValueError(f"{shown(path)} lies outside of its file")
    if end - begin != item * prod(piece.sizes):
        raise ValueError(f"{shown(path)} has {end - begin:,} bytes, its shape and dtype {item * prod(piece.sizes):,}")


def _part(read: Any, item: int, shape: tuple[int, ...], path: Path, files: tuple[FileRecord, ...]) -> Piece:
    file, begin, end, starts, sizes = read
    piece = Piece(file, begin, end, tuple(starts), tuple(sizes))
    if not len(piece.starts) == len(piece.sizes) == len(shape):
        raise ValueError(f"a piece of {shown(path)} has another rank")
    for start, size, whole in zip(piece.starts, piece.sizes, shape, strict=True):
        if type(start) is not int or type(size) is not int or start < 0 or size < 0 or start + size > whole:
            raise ValueError(f"a piece of {shown(path)} lies outside of it")
    _check_range(piece, item, path, files)
    return piece


def scalar_from_text(kind: str, text: str) -> Any:
    """The scalar that a manifest has.

    Raises: ValueError, KeyError for what is none.
    """
    if kind == "NoneType":
        return {"None": None}[text]
    if kind == "bool":
        return {"True": True, "False": False}[text]
    if kind == "float":
        return float_from_text(text)
    if kind == "int":
        return int(text, 16)
    if kind == "bytes":
        return b64decode(_typed(text, str), validate=True)
    return {"str": _typed}[kind](text, str)


def _typed(value: Any, kind: type) -> Any:
    if type(value) is not kind:
        raise ValueError(f"a {kind.__name__} was expected, not {str(value)[:60]!r}")
    return value


def _natural(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise ValueError(f"a count was expected, not {str(value)[:60]!r}")
    return value
