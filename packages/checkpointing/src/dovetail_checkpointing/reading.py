"""Reading a checkpoint as it lies in storage: its manifest, its tensors or parts of them, and which step is the
latest."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from hashlib import sha256
from math import prod
from types import TracebackType
from typing import Any, Self

import numpy as np

from dovetail_protocols.errors import CheckpointError, CheckpointUnsafeError

from .choices import require_choice
from .extents import THREADS, Damaged, Extent, Verify, corrupt, read_extents, telling_failures
from .file_damage import file_damage
from .layout import headers_of
from .limits import DEFAULT, Limits
from .manifest import Manifest, TensorRecord
from .object_tree import Path as ObjectPath
from .object_tree import shown, split
from .opening import manifest_in, open_checked, open_folder
from .regions import Region, read_regions, whole
from .slicing import Range, ranges
from .storage import FileSystem, Place, ReadableFile, locate
from .tensor_bytes import empty, from_little_endian, item_bytes, writable_bytes
from .tensor_table import TensorTable
from .threads import side_by_side
from .uncollected import uncollected


@dataclass(frozen=True, slots=True)
class TensorInfo:
    """What is known of a tensor without reading it."""

    shape: tuple[int, ...]
    dtype: str
    size_bytes: int


class Reader:
    """An open checkpoint; `open` makes one. Tensors are read when they are asked for, each checked.

    It holds on to the folder, so that a save or a removal meanwhile can't mix two checkpoints. Use it in a `with`, or
    close it. Several threads may read at once.
    """

    def __init__(
        self,
        place: Place,
        limits: Limits = DEFAULT,
        verify: Verify = "chunks",
        expected_digest: str | None = None,
        memory_map: bool = False,
    ) -> None:
        require_choice("verify", verify, Verify)
        self._place, self._limits, self._memory_map = place, limits, memory_map
        self._verify: Verify = "full" if expected_digest is not None else verify
        self.folder = open_folder(place)
        self._files: dict[int, ReadableFile] = {}
        try:
            self.manifest = manifest_in(self.folder, place, limits)
            if expected_digest is not None and self.manifest.digest != expected_digest:
                raise CheckpointUnsafeError(
                    "this is not the checkpoint whose digest was given",
                    where=str(place),
                    expected=expected_digest,
                    got=self.manifest.digest,
                    effect="nothing was restored",
                )
        except BaseException:
            self.close()
            raise
        assert isinstance(self.manifest.tensors, TensorTable), "what is read has a table"
        self._table = self.manifest.tensors

    _is_closed = False
    migrations: tuple[str, ...] = ()
    """A checkpoint that is read as it lies there went through none."""

    # ------------------------------------------------------------------ what it holds

    @property
    def tensors(self) -> Mapping[str, TensorInfo]:
        """Every tensor by object path, such as "model/layers/0/kernel", tied ones too."""
        return {shown(path): _info(record) for path, record in self._every()}

    @property
    def scalars(self) -> Mapping[str, Any]:
        """Every scalar by object path."""
        return {shown(path): value for path, value in self.manifest.scalars.items()}

    @property
    def step(self) -> int | None:
        """The step that was given when it was saved."""
        return self.manifest.step

    @property
    def metrics(self) -> Mapping[str, float]:
        """The metrics that were given when it was saved."""
        return self.manifest.metrics

    @property
    def digest(self) -> str:
        """The root: the SHA-256 of all that the manifest says, checksums of the data included."""
        return self.manifest.digest

    def __str__(self) -> str:
        return str(self._place)

    def __repr__(self) -> str:
        return f"<checkpoint {str(self._place)!r}: {len(self.manifest.tensors):,} tensors, step {self.step}>"

    # ------------------------------------------------------------------ reading

    def read(self, name: str | ObjectPath, slices: Any = ...) -> np.ndarray[Any, Any]:
        """A tensor, or the part of it that `slices` picks (integers, slices with positive steps, `...`), as a new
        array.

        Only the chunks that have a part of it are read, and each is checked. With `memory_map` it is a read-only view
        of the file where its bytes lie there in one piece and the machine is little endian, as they are.

        Raises: CheckpointError for a name that isn't there, IndexRangeError, CheckpointCorruptError.
        """
        record = self._find(name)
        wanted, shape = ranges(slices, record.shape, shown(record.path))
        is_usable_as_stored = sys.byteorder == "little"
        if self._memory_map and is_usable_as_stored and len(record.pieces) == 1 and slices is ...:
            return self._mapped(record)
        return self.read_regions({record.path: (record, wanted)})[record.path].reshape(shape)

    def read_records(self, records: Sequence[TensorRecord]) -> dict[ObjectPath, np.ndarray[Any, Any]]:
        """New arrays of several tensors, by path; files are read in order."""
        arrays = {record.path: self._empty(record, record.shape) for record in records}
        self._read_whole(records, arrays)
        for record in records:
            self._require_values(record, arrays[record.path])
        return {path: from_little_endian(array) for path, array in arrays.items()}

    def read_regions(
        self, wanted: Mapping[ObjectPath, tuple[TensorRecord, tuple[Range, ...]]]
    ) -> dict[ObjectPath, np.ndarray[Any, Any]]:
        """New arrays of parts of tensors, no two of the same one, by the keys that were given."""
        regions = {
            key: Region(record, ranges, self._empty(record, tuple(one.count for one in ranges)))
            for key, (record, ranges) in wanted.items()
        }
        read_regions(regions.values(), self._read_extents)
        for region in regions.values():
            self._require_values(region.record, region.target)
        return {key: from_little_endian(region.target) for key, region in regions.items()}

    def _empty(self, record: TensorRecord, shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
        try:
            return empty(record.dtype, shape)
        except MemoryError as error:
            raise CheckpointError(
                "there is no memory for a tensor of a checkpoint",
                where=f"{self._place}, {shown(record.path)}",
                expected=f"{item_bytes(record.dtype) * prod(shape):,} bytes",
                effect="nothing was restored",
                fix="restore less at once (only=), or read parts of it by open() and slices",
            ) from error

    def _require_values(self, record: TensorRecord, array: np.ndarray[Any, Any]) -> None:
        """Every byte is a value of every dtype but bool."""
        if record.dtype == "bool" and array.size and array.view(np.uint8).max() > 1:
            where = self._place.path / self.manifest.files[record.pieces[0].file].name
            raise corrupt(where, f"{shown(record.path)} has bytes that are neither true nor false")

    def _read_whole(self, records: Sequence[TensorRecord], arrays: Mapping[ObjectPath, np.ndarray[Any, Any]]) -> None:
        extents = _extents(records, arrays)
        self._open_several(sorted(extents))
        for number, wanted in sorted(extents.items()):
            self._read_extents(number, wanted)
        in_pieces = (record for record in records if len(record.pieces) > 1)
        read_regions(
            (Region(record, whole(record.shape), arrays[record.path]) for record in in_pieces), self._read_extents
        )

    def _mapped(self, record: TensorRecord) -> np.ndarray[Any, Any]:
        piece = record.pieces[0]
        file, where = self._file(piece.file), self.manifest.files[piece.file]
        with telling_failures(self._place.path / where.name):
            mapped = file.map()
        view = mapped[where.data_start + piece.begin : where.data_start + piece.end]
        if self._verify != "header":
            self._read_extents(piece.file, [Extent(piece.begin, memoryview(bytearray(view.nbytes)))])
        array = np.frombuffer(view, empty(record.dtype, ()).dtype).reshape(record.shape)
        self._require_values(record, array)
        array.flags.writeable = False
        return array

    def _read_extents(self, number: int, wanted: Sequence[Extent]) -> None:
        record = self.manifest.files[number]
        file = self._file(number)
        try:
            with telling_failures(self._place.path / record.name):
                read_extents(file, record, wanted, check=self._verify != "header")
        except Damaged as damaged:
            raise corrupt(self._place.path / record.name, str(damaged) + self._tensors_at(number, wanted)) from damaged

    def _tensors_at(self, number: int, wanted: Sequence[Extent]) -> str:
        begin, end = min(extent.begin for extent in wanted), max(extent.end for extent in wanted)
        names = [
            shown(record.path)
            for record in self.manifest.tensors
            for piece in record.pieces
            if piece.file == number and piece.begin < end and piece.end > begin
        ]
        shown_names = ", ".join(names[:3]) + (f" and {len(names) - 3:,} more" if len(names) > 3 else "")
        return f", while reading {shown_names}"

    # ------------------------------------------------------------------ files

    def _file(self, number: int) -> ReadableFile:
        """File number `number`, open; its size and header are checked when it is opened."""
        if self._is_closed:
            raise CheckpointError(
                "this checkpoint was closed", where=str(self._place), fix="read inside of its with, or open it again"
            )
        file = self._files.get(number)
        if file is None:
            file = open_checked(self.folder, self.manifest.files[number], self._place)
            if self._verify == "full":
                self._require_whole(number, file)
            kept = self._files.setdefault(number, file)
            if kept is not file:  # another thread was quicker
                file.close()
                return kept
        return file

    def _require_whole(self, number: int, file: ReadableFile) -> None:
        record = self.manifest.files[number]
        if record.sha256 is None:
            raise CheckpointUnsafeError(
                "a checkpoint was saved without SHA-256, so it can't be checked in full",
                where=str(self._place.path / record.name),
                fix='verify="chunks" without expected_digest, or save it with the default digests',
            )
        header = headers_of(len(self.manifest.files), self.manifest.tensors)[number]
        where = self._place.path / record.name
        try:
            with telling_failures(where):
                damage = file_damage(file, record, sha256(header).hexdigest(), "full")
            if damage:
                raise corrupt(where, damage[0])
        except CheckpointError:
            file.close()
            raise

    def _open_several(self, numbers: Sequence[int]) -> None:
        threads = THREADS if self._verify == "full" else 1  # opening alone is over before a thread has started
        side_by_side(self._file, numbers, threads)

    def open_files(self) -> None:
        """Opens every file, so that none can vanish later.

        Raises: CheckpointCorruptError for one that is missing or of another size, or whose header differs.
        """
        self._open_several(range(len(self.manifest.files)))

    def close(self) -> None:
        """Lets go of the folder and its files; arrays that were read stay."""
        for file in self._files.values():
            file.close()
        self._files.clear()
        self.folder.close()
        self._is_closed = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.close()

    # ------------------------------------------------------------------ names

    def _every(self) -> Iterator[tuple[ObjectPath, TensorRecord]]:
        known = set()
        for record in self.manifest.tensors:
            known.add(record.path)
            yield record.path, record
        for alias, original in self.manifest.aliases.items():
            record_of_alias = self._at(original)
            if record_of_alias is not None and alias not in known:
                yield alias, record_of_alias

    def _at(self, path: ObjectPath) -> TensorRecord | None:
        return self._table.at(path) or self._table.at(self.manifest.aliases.get(path, path))

    def _find(self, name: str | ObjectPath) -> TensorRecord:
        path = name if isinstance(name, tuple) else split(name)
        record = self._at(path)
        if record is not None:
            return record
        found = [record for path, record in self._every() if shown(path) == name]
        if len(found) == 1:
            return found[0]
        near = get_close_matches(shown(path), [shown(path) for path, _ in self._every()], 1)
        raise CheckpointError(
            "several tensors of a checkpoint read alike" if found else "there is no such tensor in a checkpoint",
            where=str(self._place),
            got=repr(name),
            fix="give the path as a tuple" if found else f"did you mean {near[0]!r}?" if near else "see its .tensors",
        )


def open(
    path: str | os.PathLike[str],
    *,
    verify: Verify = "chunks",
    expected_digest: str | None = None,
    memory_map: bool = False,
    limits: Limits = DEFAULT,
    file_system: FileSystem | None = None,
) -> Reader:
    """A checkpoint, open for reading: what it holds is known, its tensors are read when they are asked for.

    `expected_digest` is the `digest` of a receipt: with it, everything read is checked against SHA-256.

    Raises: CheckpointError where there is none, CheckpointCorruptError, CheckpointVersionError, CheckpointUnsafeError.
    """
    return Reader(locate(path, file_system), limits, verify, expected_digest, memory_map)


@uncollected
def _extents(
    records: Sequence[TensorRecord], arrays: Mapping[ObjectPath, np.ndarray[Any, Any]]
) -> dict[int, list[Extent]]:
    """The memory of each tensor that lies in one piece, file by file."""
    extents: dict[int, list[Extent]] = {}
    for record in records:
        if len(record.pieces) == 1 and arrays[record.path].size:
            piece = record.pieces[0]
            extents.setdefault(piece.file, []).append(Extent(piece.begin, writable_bytes(arrays[record.path])))
    return extents


def _info(record: TensorRecord) -> TensorInfo:
    size = sum(piece.end - piece.begin for piece in record.pieces)
    return TensorInfo(record.shape, record.dtype, size)


def read_manifest(
    path: str | os.PathLike[str], *, file_system: FileSystem | None = None, limits: Limits = DEFAULT
) -> Manifest:
    """What a checkpoint holds.

    Raises: what `open` raises.
    """
    with open(path, file_system=file_system, limits=limits) as reader:
        return reader.manifest
