"""Dovetail's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from crash.formats.format import Format, Way
from crash.payloads import Arrays
from dovetail_checkpointing import (
    Manager,
    Reader,
    Shard,
    ThreadCommunicator,
    even_slices,
    restore,
    run_threads,
    save,
    save_sharded,
)
from dovetail_checkpointing import open as open_checkpoint
from dovetail_protocols.errors import CheckpointBusyError, CheckpointError

SHARD_BYTES = 2048
RANKS = 3


def save_plain(root: Path, number: int, arrays: Arrays) -> None:
    save(root / "checkpoint", arrays, step=number, overwrite=True)


def save_shards(root: Path, number: int, arrays: Arrays) -> None:
    save(root / "checkpoint", arrays, step=number, overwrite=True, shard_bytes=SHARD_BYTES)


def save_by_ranks(root: Path, number: int, arrays: Arrays) -> None:
    """Three ranks, each with a third of the arrays that can be cut in three."""

    def save_part(ranks: ThreadCommunicator) -> None:
        tree: dict[str, Any] = dict(arrays)
        for name, array in arrays.items():
            if array.shape[0] >= RANKS:
                part = even_slices(array.shape, 0, ranks.rank, RANKS)
                tree[name] = Shard(array[part], [cut.start for cut in part], array.shape)
        save_sharded(root / "checkpoint", tree, step=number, communicator=ranks, overwrite=True)

    for result in run_threads(RANKS, save_part, timeout_seconds=60):
        if isinstance(result, BaseException):
            raise result


def load_plain(root: Path, expected: Arrays) -> Mapping[str, Any]:
    tree: Mapping[str, Any] = restore(root / "checkpoint", expected).tree
    return tree


def load_places(root: Path, expected: Arrays, file: Path, places: Sequence[range]) -> Mapping[str, Any]:
    """The arrays that have bytes at places of a data file; all, where the places are in a header or the manifest."""
    with open_checkpoint(root / "checkpoint") as reader:
        names = _names_at(reader, file.name, places)
        if names:
            return {name: reader.read(name) for name in names}
    return load_plain(root, expected)


def _names_at(reader: Reader, file: str, places: Sequence[range]) -> set[str]:
    names: set[str] = set()
    for number, record in enumerate(reader.manifest.files):
        if record.name != file or any(place.start < record.data_start for place in places):
            continue
        for place in places:
            begin, end = place.start - record.data_start, place.stop - record.data_start
            for tensor in reader.manifest.tensors:
                if any(piece.file == number and piece.begin < end and piece.end > begin for piece in tensor.pieces):
                    names.add("/".join(map(str, tensor.path)))
    return names


def save_step(root: Path, number: int, arrays: Arrays) -> None:
    Manager(root, max_to_keep=2).save(number, arrays)


def save_in_background(root: Path, number: int, arrays: Arrays) -> None:
    Manager(root, max_to_keep=2).save_async(number, arrays).result()


def load_newest(root: Path, expected: Arrays) -> Mapping[str, Any]:
    restored = Manager(root, max_to_keep=2).restore_latest(expected)
    if restored is None:
        raise CheckpointError("there is no checkpoint", where=str(root))
    tree: Mapping[str, Any] = restored.tree
    return tree


FORMAT = Format(
    name="dovetail",
    distributions=("dovetail-checkpointing",),
    calls="save(path, tree, overwrite=True), restore(path, tree); Manager(root).save(step, tree), restore_latest(tree)",
    ways={
        "plain": Way(save_plain, load_plain, load_places),
        "shards": Way(save_shards, load_plain),
        "ranks": Way(save_by_ranks, load_plain),
        "steps": Way(save_step, load_newest),
        "background": Way(save_in_background, load_newest),
    },
    refusals=(CheckpointError,),
    busy=(CheckpointBusyError,),
)
