"""Hugging Face's sharded models: safetensors files, and an index that says which tensor is in which."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from dovetail_protocols.errors import CheckpointCorruptError, CheckpointError

from . import safetensors_files, strict_json
from .contents import Contents, StoredArray
from .files import opened, read_exactly, refuse_taken, replacing, size_of
from .limits import ForeignLimits
from .rules import array_name, file_name, size_bytes, within

SUFFIX = ".safetensors.index.json"
SHARD_BYTES = 5 << 30
"""As the `transformers` library splits."""


@contextmanager
def reading(path: Path, limits: ForeignLimits) -> Iterator[Contents]:
    """The tensors of all shards that an index names; they lie beside it.

    Raises: CheckpointCorruptError where index and shards differ, CheckpointUnsafeError for shards elsewhere,
    DTypeError.
    """
    with opened(path) as file:
        size = size_of(file)
        within("the size of an index", size, limits, "header_bytes", str(path))
        index = strict_json.parse(read_exactly(file, 0, size, str(path)), limits, str(path))
    places = index.get("weight_map")
    if not isinstance(places, dict):
        raise CheckpointCorruptError("an index has no weight_map", where=str(path))
    for name, shard in places.items():
        array_name(name, limits, str(path))
        if not file_name(shard, f"{path}: {name!r}").endswith(".safetensors"):
            raise CheckpointCorruptError("a shard is no .safetensors file", where=f"{path}: {name!r}", got=shard)
    arrays: dict[str, StoredArray] = {}
    metadata: dict[str, str] = {}
    with ExitStack() as shards:
        for shard in sorted(set(places.values())):
            found = shards.enter_context(safetensors_files.reading(path.parent / shard, limits, beside=True))
            named = {name for name, place in places.items() if place == shard}
            if named != set(found.arrays):
                odd = sorted(named ^ set(found.arrays))[:5]
                raise CheckpointCorruptError(
                    "an index and its shard differ", where=str(path.parent / shard), got=f"only one of them has {odd}"
                )
            arrays |= found.arrays
            metadata |= found.metadata
        yield Contents({name: arrays[name] for name in places}, {}, metadata)


def write(path: Path, contents: Contents, *, overwrite: bool = False, shard_bytes: int = SHARD_BYTES) -> None:
    """Writes the shards, then the index, each atomically.

    Raises: CheckpointError where there is an index already, or a shard (unless `overwrite`), and where storage fails;
    DTypeError.
    """
    if not path.name.endswith(SUFFIX):
        raise CheckpointError("an index has another name", where=str(path), expected=f"…{SUFFIX}")
    stem = path.name.removesuffix(SUFFIX)
    groups = _groups(contents, shard_bytes)
    names = [f"{stem}-{place:05}-of-{len(groups):05}.safetensors" for place in range(1, len(groups) + 1)]
    refuse_taken(path, overwrite=False)  # old and new shards have the same names: no step would replace all at once
    for name in names:
        refuse_taken(path.with_name(file_name(name, str(path))), overwrite)
    places: dict[str, str] = {}
    for name, group in zip(names, groups, strict=True):
        metadata = {"format": "pt", **contents.metadata}  # what `transformers` asks for, whatever wrote the file
        safetensors_files.write(path.with_name(name), Contents(group, {}, metadata), overwrite=overwrite)
        places |= dict.fromkeys(group, name)
    index = {"metadata": {"total_size": contents.size_bytes}, "weight_map": dict(sorted(places.items()))}
    with replacing(path) as file:
        file.write(json.dumps(index, indent=2, ensure_ascii=False).encode("utf-8") + b"\n")


def _groups(contents: Contents, shard_bytes: int) -> list[dict[str, StoredArray]]:
    """Arrays in their order, in groups of at most `shard_bytes` (or one array)."""
    groups: list[dict[str, StoredArray]] = [{}]
    used = 0
    for name, array in contents.arrays.items():
        size = size_bytes(array.shape, array.dtype)
        if groups[-1] and used + size > shard_bytes:
            groups.append({})
            used = 0
        groups[-1][name] = array
        used += size
    return groups
