"""Which tensor goes into which file, and the safetensors header of each file.

A header follows from the manifest alone, so that a reader need not believe a header: it compares.
Source: https://github.com/huggingface/safetensors, format of version 0.8.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, groupby
from math import inf, prod
from operator import itemgetter
from typing import Any

from .manifest import Piece, TensorRecord
from .object_tree import Path, shown
from .tensor_bytes import SAFETENSORS_NAMES, item_bytes, stored_shape
from .uncollected import uncollected

DATA_START = 4096
"""Headers are padded so that data begins at a multiple of this."""
_ITEMS = 32
"""Up to so many top-level keys get files of their own."""
_FILES = 4
_LEAST_BYTES = 32 << 20
_MOST_BYTES = 2 << 30
"""An item has up to so many files as long as each has so many bytes, and more where they would have too many."""
_NOT_PLAIN = re.compile(r"[^A-Za-z0-9_-]")


@dataclass(frozen=True, slots=True)
class Part:
    """A tensor to be saved, or the piece of it that this process has. `source` is an array or variable; `name` is how
    it is called in a safetensors file."""

    path: Path
    dtype: str
    shape: tuple[int, ...]
    starts: tuple[int, ...]
    sizes: tuple[int, ...]
    source: Any
    name: str = field(init=False)
    size_bytes: int = field(init=False)

    def __post_init__(self) -> None:
        # Once, for they are asked for again and again: of 100,000 tensors that takes longer than to write them.
        object.__setattr__(self, "name", _stored_name(self.path, self.shape, self.starts, self.sizes))
        object.__setattr__(self, "size_bytes", item_bytes(self.dtype) * prod(self.sizes))


@dataclass(frozen=True, slots=True)
class FilePlan:
    """One file: its header, and its parts with the bytes of the data where each begins."""

    name: str
    header: bytes
    parts: tuple[Part, ...]
    begins: tuple[int, ...]
    data_bytes: int

    @property
    def size_bytes(self) -> int:
        return len(self.header) + self.data_bytes


@uncollected
def plan_files(parts: Sequence[Part], shard_bytes: int | None, suffix: str = "") -> list[FilePlan]:
    """Files of about `shard_bytes` each, one set for each item of the tree: "model-00000-of-00002.safetensors".

    Left to us, an item of many bytes has several files, so that several processors can be busy with it; how many
    follows from its bytes alone, so that the same tree makes the same files everywhere.
    """
    plans = []
    for item, group in _grouped(parts).items():
        if shard_bytes is None:
            shards = [shard for even in _evenly(group) for shard in _shards(even, inf)]
        else:
            shards = list(_shards(group, shard_bytes))
        for place, shard in enumerate(shards):
            plans.append(_plan(f"{item}-{place:05}-of-{len(shards):05}{suffix}.safetensors", shard))
    return plans


def _grouped(parts: Sequence[Part]) -> dict[str, list[Part]]:
    """Parts by the name of their item. Names that only differ by case share a file: some systems can't tell them
    apart."""
    items = dict.fromkeys(part.path[0] for part in parts if len(part.path) > 1)
    groups: dict[str, tuple[str, list[Part]]] = {}
    for part in parts:
        key = part.path[0] if len(part.path) > 1 and len(items) <= _ITEMS else None
        name = _NOT_PLAIN.sub("_", key)[:64] if isinstance(key, str) and key else "data"
        groups.setdefault(name.casefold(), (name, []))[1].append(part)
    return dict(groups.values())


def _evenly(parts: Sequence[Part]) -> Iterator[list[Part]]:
    """Parts in their order, in groups of about as many bytes each."""
    total = sum(part.size_bytes for part in parts)
    count = max(min(_FILES, total // _LEAST_BYTES), -(-total // _MOST_BYTES), 1)

    begins = accumulate((part.size_bytes for part in parts), initial=0)
    places = [min(begin * count // max(total, 1), count - 1) for begin in begins]
    for _, group in groupby(zip(parts, places, strict=False), key=itemgetter(1)):
        yield [part for part, _ in group]


def _shards(parts: Iterable[Part], shard_bytes: float) -> Iterator[list[Part]]:
    """Parts of one item, file by file. Within a file the widest dtypes come first, so that each tensor is aligned; what
    would have the name of another goes to the next file."""
    left = list(parts)
    while left:
        taken: list[Part] = []
        later: list[Part] = []
        names: set[str] = set()
        size = 0
        for part in left:
            fits = not taken or size + part.size_bytes <= shard_bytes
            if fits and part.name not in names:
                taken.append(part)
                names.add(part.name)
                size += part.size_bytes
            else:
                later.append(part)
        yield sorted(taken, key=lambda part: -item_bytes(part.dtype))
        left = later


def _plan(name: str, parts: list[Part]) -> FilePlan:
    begins, offset = [], 0
    for part in parts:
        begins.append(offset)
        offset += part.size_bytes
    entries = [
        (part.name, part.dtype, part.sizes, begin, begin + part.size_bytes)
        for part, begin in zip(parts, begins, strict=True)
    ]
    return FilePlan(name, _header(entries), tuple(parts), tuple(begins), offset)


def headers_of(file_count: int, tensors: Iterable[TensorRecord]) -> list[bytes]:
    """The headers that the files of a checkpoint with these tensors must have."""
    files: list[list[tuple[str, str, tuple[int, ...], int, int]]] = [[] for _ in range(file_count)]
    for tensor in tensors:
        for piece in tensor.pieces:
            name = _stored_name(tensor.path, tensor.shape, piece.starts, piece.sizes)
            files[piece.file].append((name, tensor.dtype, piece.sizes, piece.begin, piece.end))
    return [_header(sorted(entries, key=_written_order)) for entries in files]


def _written_order(entry: tuple[str, str, tuple[int, ...], int, int]) -> tuple[int, int, int]:
    """Empty tensors share their place with others; among them the wider dtype was written first."""
    return entry[3], entry[4], -item_bytes(entry[1])


@uncollected
def pieces_of(plans: Sequence[FilePlan]) -> dict[Path, list[Piece]]:
    """Where the parts of each tensor are, by path."""
    found: dict[Path, list[Piece]] = {}
    for number, plan in enumerate(plans):
        for part, begin in zip(plan.parts, plan.begins, strict=True):
            piece = Piece(number, begin, begin + part.size_bytes, part.starts, part.sizes)
            found.setdefault(part.path, []).append(piece)
    return found


def _stored_name(path: Path, shape: tuple[int, ...], starts: tuple[int, ...], sizes: tuple[int, ...]) -> str:
    name = shown(path)
    if name == "__metadata__":  # which the format keeps for itself
        name = "./__metadata__"
    if sizes == shape:
        return name
    return name + "[" + ",".join(f"{start}:{start + size}" for start, size in zip(starts, sizes, strict=True)) + "]"


def _header(entries: Iterable[tuple[str, str, tuple[int, ...], int, int]]) -> bytes:
    """Length and text of a header, with spaces up to a multiple of DATA_START."""
    header = {
        name: {
            "dtype": SAFETENSORS_NAMES[dtype],
            "shape": stored_shape(dtype, sizes),
            "data_offsets": (begin, end),
        }
        for name, dtype, sizes, begin, end in entries
    }
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-(len(text) + 8) % DATA_START)
    return len(text).to_bytes(8, "little") + text
