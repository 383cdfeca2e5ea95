"""Sharded saving: each rank writes what it has to one folder out of sight; rank 0 publishes it.

The commit is that of `save`, with the same order of syncs, and one lock, which rank 0 takes. What the ranks wrote they
tell rank 0 by `gather`, so the folder never holds anything but data files and the manifest.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import asdict, replace
from hashlib import sha256
from math import prod
from types import TracebackType
from typing import Any, Self

from dovetail_protocols.errors import CheckpointCorruptError, CheckpointError
from dovetail_protocols.roles import Communicator

from ..collecting import collect
from ..commit import Durability, Staging, clear_errors, joined, staged
from ..file_damage import file_damage
from ..layout import FilePlan, Part, headers_of, plan_files
from ..limits import DEFAULT, require_below
from ..manifest import NAME, FileRecord, Manifest, Piece, TensorRecord
from ..object_tree import Flattened, Path, flatten, shown
from ..saving import (
    Receipt,
    SaveOptions,
    is_replaced,
    nonfinite_of,
    parts_held,
    refuse_stateless,
    write_data,
)
from ..shard import SaveSharding, Shard
from ..storage import FileSystem, Place, locate
from ..tensor_bytes import empty, item_bytes
from ..versions import current_versions
from ..writing import Digest
from .exchange import SAVE, Exchange, attempted
from .rank_trees import WholeTree, assign, put_together, require_one_step, tree_from_json, tree_of


def save_sharded(
    path: str | os.PathLike[str],
    tree: Any,
    *,
    communicator: Communicator,
    sharding: SaveSharding | None = None,
    step: int | None = None,
    overwrite: bool = False,
    durability: Durability = "power-loss",
    shard_bytes: int | None = None,
    digests: Sequence[Digest] = ("crc32", "sha256"),
    paranoid: bool = False,
    metrics: Mapping[str, float] | None = None,
    versions: Mapping[str, int] | None = None,
    find_nonfinite: bool = False,
    file_system: FileSystem | None = None,
) -> Receipt:
    """Saves one checkpoint out of what several ranks have, in storage that all of them see. All ranks call it.

    A leaf `Shard(value, starts, shape)` is this rank's part of a tensor; the parts of all ranks make the whole. Any
    other leaf is the same on every rank, and written once, by the rank that has least to write; so is a part that
    several ranks have. `sharding(name, value)` may say of a leaf, such as a module's variable, what it is a part of.
    The options are those of `save`: all ranks give the same `step`, of the others rank 0's hold for all. The checkpoint
    is like one that `save` wrote: `restore` and `open` read it with any number of ranks.

    It returns on all ranks once the checkpoint is durable, or raises the same error on all of them; nothing is
    published then. A rank that ends without a word is noticed as soon as `communicator` raises.

    Raises: StructureError where ranks differ, or where parts overlap or leave a gap; CheckpointError where the ranks
    lose each other; what `save` raises.
    """
    options = SaveOptions(
        step, overwrite, durability, shard_bytes, digests, paranoid, metrics, versions, find_nonfinite
    )
    place = locate(path, file_system)
    exchange = Exchange(communicator, str(place), SAVE)
    return save_together(lambda: flattened_part(tree, sharding), options, exchange, place.parent, nullcontext(place))


def save_together(
    flattened: Callable[[], Flattened],
    options: SaveOptions,
    exchange: Exchange,
    parent: Place,
    target: AbstractContextManager[Place],
) -> Receipt:
    """`save_sharded` of what `flattened` gives on this rank. Rank 0 saves within the `target`, which says where in the
    folder `parent`; what that does at its end is part of the save."""
    started = time.perf_counter()
    with _Lead(target, options, exchange) as lead, _Work(parent, options, exchange) as work:
        plan = exchange.agree(attempted(lambda: work.describe(flattened)), lead.prepare)
        published = exchange.agree(attempted(lambda: work.write(plan, lead.staging)), lead.publish)
    nonfinite = None if published["nonfinite"] is None else tuple(published["nonfinite"])
    seconds = time.perf_counter() - started
    path = parent.child(plan["name"]).spelled
    return Receipt(path, published["digest"], published["size_bytes"], published["tensor_count"], seconds, nonfinite)


def flattened_part(tree: Any, sharding: SaveSharding | None) -> Flattened:
    """What this rank has, taken apart."""
    flattened = flatten(tree)
    if sharding is not None:
        _apply(sharding, flattened)
    refuse_stateless(flattened)
    return flattened


class _Work:
    """What every rank does: it tells what it has, then writes what is assigned to it."""

    def __init__(self, parent: Place, options: SaveOptions, exchange: Exchange) -> None:
        self.parent, self.options, self.exchange = parent, options, exchange
        self.parts: list[Part] = []
        self._staging: Staging | None = None

    def describe(self, flatten: Callable[[], Flattened]) -> Any:
        self.options = self.options.checked()  # here, so that the other ranks hear of it
        flattened = flatten()
        self.parts = parts_held(flattened)
        nonfinite = nonfinite_of(flattened) if self.options.find_nonfinite else None
        return {
            "tree": tree_of(flattened, self.parts).to_json(),
            "nonfinite": nonfinite,
            "step": self.options.step,
        }

    def write(self, plan: Any, staging: Staging | None) -> Any:
        """Writes files that are durable when it returns; what they hold is for rank 0 to know. `staging`: that of rank
        0, on rank 0."""
        rank = self.exchange.rank
        options = replace(self.options, **plan["options"])
        if staging is None:
            self.exchange.effect = "whether the checkpoint was published is not known here; if so, it is whole"
            staging = self._staging = joined(self.parent.child(plan["name"]), options.durability, plan["folder"])
        with clear_errors(staging.target, staging):
            _require_shared(staging)
            wanted = {place: _to_write(self.parts[place]) for place in plan["writes"][rank]}
            places = {part.path: place for place, part in wanted.items()}
            plans = plan_files(list(wanted.values()), options.shard_bytes, f"{staging.suffix}-rank-{rank:05}")
            records = write_data(staging, plans, options)
            if plans:
                staging.sync_folder(staging.folder)
        return [_told(record, one, places) for record, one in zip(records, plans, strict=True)]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        """Removes from an object store what was written in vain; a folder is removed by rank 0."""
        failure = self.exchange.failure
        is_in_vain = kind is not None and failure is not None and failure["rank"] is not None  # so nothing is published
        if is_in_vain and self._staging is not None and not self._staging.storage.publishes_by_rename:
            self._staging.discard()


def _apply(sharding: SaveSharding, flattened: Flattened) -> None:
    for path, value in flattened.tensors.items():
        shard = None if path in flattened.shards else sharding(shown(path), value)
        if shard is not None:
            flattened.shards[path] = Shard(value, shard.starts, shard.shape)


def _require_shared(staging: Staging) -> None:
    """Raises: CheckpointError where the folder that rank 0 made is not seen here."""
    if staging.storage.publishes_by_rename and not staging.storage.exists(staging.folder):
        raise CheckpointError(
            "the folder of a sharded save that rank 0 made is not there for another rank",
            where=str(staging.folder),
            effect="nothing was saved; earlier checkpoints are untouched",
            fix="save to storage that all ranks see, under the same path",
        )


def _to_write(part: Part) -> Part:
    """A tensor without elements is written whole, by one rank, so that every reader of the files sees it."""
    if 0 not in part.shape:
        return part
    return replace(part, starts=(0,) * len(part.shape), sizes=part.shape, source=empty(part.dtype, part.shape))


def _told(record: FileRecord, plan: FilePlan, places: Mapping[Path, int]) -> Any:
    parts = [
        [places[part.path], begin, begin + part.size_bytes] for part, begin in zip(plan.parts, plan.begins, strict=True)
    ]
    return {"record": asdict(record), "parts": parts}


class _Lead:
    """What rank 0 does besides: it decides who writes what, and publishes."""

    def __init__(self, target: AbstractContextManager[Place], options: SaveOptions, exchange: Exchange) -> None:
        self.target, self.options, self.exchange = target, options, exchange
        self.staging: Staging | None = None
        self._cleaning = ExitStack()
        self._described: list[Any] = []

    def prepare(self, described: list[Any]) -> Any:
        """Where to write, under the lock of the target, and who writes what."""
        self._described = described
        self._trees = [tree_from_json(one["tree"]) for one in described]
        require_one_step([one["step"] for one in described], self.exchange.where)
        self._whole = put_together(self._trees, self.exchange.where)
        writes = assign(self._whole.tensors, self.exchange.world_size)
        self.options = self.options.checked()
        with ExitStack() as opening:
            place = opening.enter_context(self.target)
            self._replaces = is_replaced(place, overwrite=self.options.overwrite)
            staging = opening.enter_context(staged(place, self.options.durability, replaces=self._replaces))
            collect(place.parent, place.path.name, is_locked=True, sync=staging.sync_folder)
            staging.open(_size_bytes(self._whole))
            self._cleaning = opening.pop_all()
        self.staging = staging
        options = {name: getattr(self.options, name) for name in ("durability", "shard_bytes", "digests", "paranoid")}
        return {"name": place.path.name, "folder": staging.folder.name, "writes": writes, "options": options}

    def publish(self, told: list[list[Any]]) -> Any:
        """Writes the manifest of what all ranks wrote, and publishes the folder."""
        staging = self.staging
        assert staging is not None
        with self._cleaning:
            staging.adopt(one["record"]["name"] for files in told for one in files)
            manifest = self._manifest(told)
            data, digest = manifest.to_bytes()
            require_below("the manifest", len(data), DEFAULT.manifest_bytes, "manifest_bytes", staging.target)
            self._require_readable(manifest, staging)
            staging.write_durably(NAME, data)
            staging.publish(replaces=self._replaces)
            self.exchange.effect = "the checkpoint is in place, whole and durable; some ranks may not know"
            if self._replaces:
                staging.remove_replaced()
        size = sum(file.size_bytes for file in manifest.files) + len(data)
        nonfinite = None
        if self.options.find_nonfinite:
            nonfinite = list(dict.fromkeys(name for one in self._described for name in one["nonfinite"] or ()))
        return {"digest": digest, "size_bytes": size, "tensor_count": len(manifest.tensors), "nonfinite": nonfinite}

    def _manifest(self, told: list[list[Any]]) -> Manifest:
        files: list[FileRecord] = []
        pieces: dict[Path, list[Piece]] = {path: [] for path in self._whole.tensors}
        for rank, told_files in enumerate(told):
            for one in told_files:
                for place, begin, end in one["parts"]:
                    held = self._trees[rank].tensors[place]
                    box = self._whole.tensors[held.path].written(held.box)
                    pieces[held.path].append(Piece(len(files), begin, end, *box))
                files.append(FileRecord(**one["record"] | {"chunk_crc32": tuple(one["record"]["chunk_crc32"])}))
        tensors = tuple(
            TensorRecord(path, tensor.dtype, tensor.shape, tuple(sorted(pieces[path], key=lambda piece: piece.starts)))
            for path, tensor in self._whole.tensors.items()
        )
        versions = self.options.versions
        if versions is None:
            versions = current_versions((*self._whole.tensors, *self._whole.scalars, *self._whole.aliases))
        whole, options = self._whole, self.options
        return Manifest(
            options.step,
            tuple(files),
            tensors,
            whole.scalars,
            whole.aliases,
            whole.containers,
            versions,
            options.metrics or {},
        )

    def _require_readable(self, manifest: Manifest, staging: Staging) -> None:
        """Raises: CheckpointCorruptError where rank 0 does not see a file as another rank wrote it."""
        folder = staging.storage.open_folder(staging.folder)
        try:
            for record, header in zip(manifest.files, headers_of(len(manifest.files), manifest.tensors), strict=True):
                file = folder.open(record.name)
                try:
                    damage = file_damage(file, record, sha256(header).hexdigest(), "header")
                finally:
                    file.close()
                if damage:
                    raise CheckpointCorruptError(
                        "rank 0 does not read what another rank wrote",
                        where=str(staging.target),
                        cause=f"{record.name}: {damage[0]}",
                        effect="nothing was saved; earlier checkpoints are untouched",
                        fix="save to storage that shows all ranks the same files",
                    )
        finally:
            folder.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._cleaning.__exit__(kind, error, trace)


def _size_bytes(whole: WholeTree) -> int:
    return sum(item_bytes(tensor.dtype) * prod(tensor.shape) for tensor in whole.tensors.values())
