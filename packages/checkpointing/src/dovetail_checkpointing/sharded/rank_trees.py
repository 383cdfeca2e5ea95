"""What each rank has of a tree, put together to one: differences between ranks, gaps and overlaps are found before
anything is written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any, NamedTuple

from dovetail_protocols.errors import StructureError

from ..layout import Part
from ..manifest import Container, scalar_text
from ..manifest_reader import scalar_from_text
from ..mismatch import LISTED
from ..object_tree import Flattened, Path, shown
from ..tensor_bytes import item_bytes
from ..tiling import Box, gaps, overlaps, tiles


class Held(NamedTuple):
    """A tensor, or a part of it, that a rank has. `is_shard`: it stood as a Shard, so others need not have it."""

    path: Path
    dtype: str
    shape: tuple[int, ...]
    box: Box
    is_shard: bool


@dataclass(frozen=True, slots=True)
class RankTree:
    """One rank's tree, as the others are told of it. Scalars are in the words of the manifest."""

    tensors: Sequence[Held]
    scalars: Mapping[Path, tuple[str, str]]
    aliases: Mapping[Path, Path]
    containers: Mapping[Path, Container]

    def to_json(self) -> Any:
        return {
            "tensors": [[t.path, t.dtype, t.shape, t.box.starts, t.box.sizes, t.is_shard] for t in self.tensors],
            "scalars": [[path, *text] for path, text in self.scalars.items()],
            "aliases": list(self.aliases.items()),
            "containers": list(self.containers.items()),
        }


def tree_of(flattened: Flattened, parts: Iterable[Part]) -> RankTree:
    """The tree of this rank, of which `parts` are the tensors."""
    return RankTree(
        [Held(p.path, p.dtype, p.shape, Box(p.starts, p.sizes), p.path in flattened.shards) for p in parts],
        {path: scalar_text(value) for path, value in flattened.scalars.items()},
        flattened.aliases,
        flattened.containers,
    )


def tree_from_json(read: Any) -> RankTree:
    """The tree that a rank told of."""
    return RankTree(
        [
            Held(tuple(path), dtype, tuple(shape), Box(tuple(starts), tuple(sizes)), is_shard)
            for path, dtype, shape, starts, sizes, is_shard in read["tensors"]
        ],
        {tuple(path): (kind, text) for path, kind, text in read["scalars"]},
        {tuple(path): tuple(target) for path, target in read["aliases"]},
        {tuple(path): kind for path, kind in read["containers"]},
    )


@dataclass(frozen=True, slots=True)
class WholeTensor:
    """A tensor with the ranks that have each part of it, and in which place of their list."""

    dtype: str
    shape: tuple[int, ...]
    holders: dict[Box, dict[int, int]] = field(default_factory=dict)

    def written(self, box: Box) -> Box:
        """What is written for a part that a rank has: a tensor without elements, whole."""
        return Box((0,) * len(self.shape), self.shape) if 0 in self.shape else box


@dataclass(frozen=True, slots=True)
class WholeTree:
    """The tree that all ranks have together."""

    tensors: dict[Path, WholeTensor]
    scalars: dict[Path, Any]
    aliases: dict[Path, Path]
    containers: dict[Path, Container]


def put_together(trees: Sequence[RankTree], where: str) -> WholeTree:
    """The whole of what the ranks have.

    Raises: StructureError with every tensor of which a part is missing or there twice, and all in which the ranks
    differ.
    """
    tensors = {rank: {held.path: held for held in tree.tensors} for rank, tree in enumerate(trees)}
    differences = _differences(trees, tensors)
    whole = _whole_tensors(trees)
    if not differences:
        differences = [text for path, tensor in whole.items() for text in _untiled(shown(path), tensor)]
    if differences:
        listed = differences[:LISTED] + ([f"and {len(differences) - LISTED} more"] if len(differences) > LISTED else [])
        raise StructureError(
            "what the ranks have does not make one tree",
            where=where,
            got="\n    ".join(["", *listed]),
            effect="nothing was saved",
            fix="give the same tree on every rank, each Shard with its own starts; Shard(value) says that only some "
            "ranks have a tensor",
        )
    return WholeTree(
        whole,
        {path: scalar_from_text(*text) for tree in trees for path, text in tree.scalars.items()},
        {path: target for tree in trees for path, target in tree.aliases.items()},
        {path: kind for tree in trees for path, kind in tree.containers.items()},
    )


def require_one_step(steps: Sequence[int | None], where: str) -> None:
    """Raises: StructureError where ranks save different steps: parts of two states do not make one."""
    if len(set(steps)) > 1:
        said = {rank: "no step" if step is None else f"step {step}" for rank, step in enumerate(steps)}
        raise StructureError(
            "the ranks save different steps",
            where=where,
            expected="the same step on every rank",
            got="; ".join(_by_saying(said)),
            effect="nothing was saved",
        )


def _whole_tensors(trees: Sequence[RankTree]) -> dict[Path, WholeTensor]:
    found: dict[Path, WholeTensor] = {}
    for rank, tree in enumerate(trees):
        for place, held in enumerate(tree.tensors):
            tensor = found.setdefault(held.path, WholeTensor(held.dtype, held.shape))
            box = tensor.written(held.box)
            if not box.is_empty or 0 in held.shape:
                tensor.holders.setdefault(box, {})[rank] = place
    return found


def _differences(trees: Sequence[RankTree], tensors: Mapping[int, Mapping[Path, Held]]) -> list[str]:
    """What ranks say differently, and what only some of them have though it is no Shard."""
    said: dict[Path, dict[int, str]] = {}
    optional: set[Path] = set()
    for rank, tree in enumerate(trees):
        for held in tree.tensors:
            said.setdefault(held.path, {})[rank] = f"{held.dtype} {held.shape}"
            if held.is_shard:
                optional.add(held.path)
        for path, (kind, text) in tree.scalars.items():
            said.setdefault(path, {})[rank] = f"{scalar_from_text(kind, text)!r:.60}"
        for path, target in tree.aliases.items():
            said.setdefault(path, {})[rank] = f"the same as {shown(target)}"
            if target in tensors[rank] and tensors[rank][target].is_shard:
                optional.add(path)
    found = []
    for path, by_rank in said.items():
        absent = [rank for rank in range(len(trees)) if rank not in by_rank]
        if len(set(by_rank.values())) > 1:
            found.append(f"{shown(path)}: " + "; ".join(_by_saying(by_rank)))
        elif absent and path not in optional:
            found.append(f"{shown(path)}: {by_rank[min(by_rank)]} on {_ranks(by_rank)}, not on {_ranks(absent)}")
        for above in (path[:length] for length in range(len(path))):
            if above in said:
                found.append(f"{shown(above)}: a value on {_ranks(said[above])}, more below it on {_ranks(by_rank)}")
    return found + _container_differences(trees)


def _container_differences(trees: Sequence[RankTree]) -> list[str]:
    said: dict[Path, dict[int, str]] = {}
    for rank, tree in enumerate(trees):
        for path, kind in tree.containers.items():
            said.setdefault(path, {})[rank] = f"a {kind}"
    return [
        f"{shown(path) or 'the tree itself'}: " + "; ".join(_by_saying(by_rank))
        for path, by_rank in said.items()
        if len(set(by_rank.values())) > 1
    ]


def _by_saying(by_rank: Mapping[int, str]) -> Iterable[str]:
    for saying in dict.fromkeys(by_rank.values()):
        yield f"{saying} on {_ranks(rank for rank, said in by_rank.items() if said == saying)}"


def _untiled(name: str, tensor: WholeTensor) -> Iterable[str]:
    boxes = list(tensor.holders)
    if tiles(tensor.shape, boxes):
        return
    for gap in gaps(tensor.shape, boxes):
        yield f"{name} {tensor.shape}: no rank has {gap}"
    for one, other in overlaps(boxes):
        holders = [_ranks(tensor.holders[box]) for box in (one, other)]
        yield f"{name} {tensor.shape}: {one} on {holders[0]} and {other} on {holders[1]} overlap"


def _ranks(ranks: Iterable[int]) -> str:
    """Ranks for readers: "ranks 0 to 3, 7"."""
    ordered = sorted(ranks)
    runs: list[list[int]] = []
    for rank in ordered:
        if runs and rank == runs[-1][1] + 1:
            runs[-1][1] = rank
        else:
            runs.append([rank, rank])
    text = ", ".join(f"{a}" if a == b else f"{a} to {b}" for a, b in runs)
    return f"rank{'s' if len(ordered) > 1 else ''} {text}"


def assign(tensors: Mapping[Path, WholeTensor], world_size: int) -> list[list[int]]:
    """What each rank writes, as places in its list, in the order of the whole tree. Each part is written once: what
    one rank has, by that; what several have, by the one with the least to write so far, the largest part first."""
    order = {path: place for place, path in enumerate(tensors)}
    every = [(path, box) for path, tensor in tensors.items() for box in tensor.holders]

    def size_bytes(path: Path, box: Box) -> int:
        return item_bytes(tensors[path].dtype) * prod(box.sizes)

    load = [0] * world_size
    written: list[list[tuple[int, int]]] = [[] for _ in range(world_size)]

    def has_choice_then_size(one: tuple[Path, Box]) -> tuple[bool, int]:
        return len(tensors[one[0]].holders[one[1]]) > 1, -size_bytes(*one)

    for path, box in sorted(every, key=has_choice_then_size):
        holders = tensors[path].holders[box]
        rank = min(holders, key=lambda rank: (load[rank], rank))
        load[rank] += size_bytes(path, box)
        written[rank].append((order[path], holders[rank]))
    return [[place for _, place in sorted(places)] for places in written]
