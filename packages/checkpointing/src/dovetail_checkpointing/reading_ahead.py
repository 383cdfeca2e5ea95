"""Reading tensors one after the other, as a model is built, but each chunk of a file once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from .manifest import CHUNK_BYTES, Manifest, Piece, TensorRecord
from .migrating import MigratedReader
from .object_tree import Path
from .reading import Reader
from .slicing import Range

Array = np.ndarray[Any, Any]


class AheadReader:
    """Reads from an open checkpoint; with a tensor it reads those that wait in the same chunks, and keeps them until
    they are asked for. `waiting()` gives the records that may be asked for."""

    def __init__(self, reader: Reader | MigratedReader, waiting: Callable[[], Iterable[TensorRecord]]) -> None:
        self._reader, self._waiting = reader, waiting
        self._kept: dict[tuple[Piece, ...], Array] = {}

    @property
    def manifest(self) -> Manifest:
        """That of the checkpoint."""
        return self._reader.manifest

    @property
    def migrations(self) -> tuple[str, ...]:
        """Those that the checkpoint went through."""
        return self._reader.migrations

    def __str__(self) -> str:
        return str(self._reader)

    def read_records(self, records: Sequence[TensorRecord]) -> dict[Path, Array]:
        """New arrays of several tensors, by path."""
        missing = [record for record in records if record.pieces not in self._kept]
        if missing:
            chunks = {chunk for record in missing for chunk in _chunks(record)}
            ahead = {record.pieces: record for record in self._waiting() if chunks.issuperset(_chunks(record))}
            ahead |= {record.pieces: record for record in missing}
            unread = [record for pieces, record in ahead.items() if pieces not in self._kept]
            arrays = self._reader.read_records(unread)
            self._kept |= {record.pieces: arrays[record.path] for record in unread}
        return {record.path: self._kept.pop(record.pieces) for record in records}

    def read_regions(self, wanted: Mapping[Path, tuple[TensorRecord, tuple[Range, ...]]]) -> dict[Path, Array]:
        """New arrays of parts of tensors, by the keys that were given; nothing is read ahead for them."""
        return self._reader.read_regions(wanted)

    def close(self) -> None:
        """Lets go of the checkpoint and of what is kept."""
        self._kept.clear()
        self._reader.close()


def _chunks(record: TensorRecord) -> set[tuple[int, int]]:
    """The chunks, by file, that have a part of a tensor."""
    return {
        (piece.file, chunk)
        for piece in record.pieces
        for chunk in range(piece.begin // CHUNK_BYTES, -(-piece.end // CHUNK_BYTES))
    }
