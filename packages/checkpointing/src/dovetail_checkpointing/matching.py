"""Which value of a checkpoint belongs to which of a target, by object path; what doesn't fit is found and listed
whole."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import Any, Literal

from dovetail_protocols.dtypes import dtype as find_dtype
from dovetail_protocols.errors import CheckpointMismatchError
from dovetail_protocols.metas import TensorMeta

from .casting import Cast, may_cast
from .manifest import Manifest, TensorRecord
from .object_tree import Flattened, Path, shown
from .shard import Shard, Sharding, region_of
from .slicing import Range
from .tensor_bytes import meta_of

LISTED = 40
"""Differences that one error lists; it counts the rest."""
_SUGGESTED = 8

Only = str | Sequence[str] | Callable[[str], bool]
Rename = Mapping[str, str] | Callable[[str], str]
Missing = Literal["error", "keep"]
Unexpected = Literal["error", "ignore"]


@dataclass
class Match:
    """What goes where, by the target's paths; names that only one side has; and shapes and dtypes that differ."""

    tensors: dict[Path, TensorRecord] = field(default_factory=dict)
    regions: dict[Path, tuple[Range, ...]] = field(default_factory=dict)
    """Which part of a tensor the target wants, where that is not all of it."""
    scalars: dict[Path, Any] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    unexpected: tuple[str, ...] = ()
    differences: list[str] = field(default_factory=list)


def match(
    manifest: Manifest,
    target: Flattened,
    only: Only | None,
    rename: Rename,
    cast: Cast,
    sharding: Sharding | None = None,
) -> Match:
    """Each tensor and scalar of the target with its value in the checkpoint."""
    records = {record.path: record for record in manifest.tensors}
    for alias, original in manifest.aliases.items():
        if original in records:
            records.setdefault(alias, records[original])
    by_name = unambiguous((*records, *manifest.scalars))
    is_wanted, renamed = selection(only), renaming(rename)
    found = Match()
    missing, used = [], set()
    for path in (*target.tensors, *target.scalars):
        name = shown(path)
        if not is_wanted(name):
            continue
        is_saved = path in records or path in manifest.scalars
        other = renamed(name)
        source = path if is_saved and other == name else by_name.get(other)
        if source is not None and path in target.tensors and source in records:
            used |= {source, records[source].path}
            found.tensors[path] = records[source]
            region = _region(target.shards.get(path), sharding, shown(source), records[source].shape)
            if region is not None:
                found.regions[path] = region
            found.differences += _difference(name, target, path, records[source], cast, region)
        elif source is not None and path in target.scalars and source in manifest.scalars:
            used.add(source)
            found.scalars[path] = manifest.scalars[source]
        else:
            missing.append(name)
    found.missing = tuple(missing)
    saved = (*(record.path for record in manifest.tensors), *manifest.scalars)
    found.unexpected = () if only is not None else tuple(sorted(shown(path) for path in saved if path not in used))
    return found


def selection(only: Only | None) -> Callable[[str], bool]:
    """Whether a name is wanted."""
    if only is None:
        return lambda name: True
    if callable(only):
        return only
    patterns = [only] if isinstance(only, str) else list(only)
    return lambda name: any(fnmatchcase(name, pattern) for pattern in patterns)


def renaming(rename: Rename) -> Callable[[str], str]:
    """From a name in the target to that in the checkpoint."""
    return rename if callable(rename) else lambda name: rename.get(name, name)


def unambiguous(paths: Iterable[Path]) -> dict[str, Path]:
    """Paths by how they read, for targets whose keys are of another kind: a dict's "0" for a list's 0. Those that read
    alike ("a/b", and "b" below "a") are left out: they are matched by the path itself only."""
    found: dict[str, list[Path]] = {}
    for path in paths:
        found.setdefault(shown(path), []).append(path)
    return {name: same[0] for name, same in found.items() if len(same) == 1}


def _region(
    shard: Shard | None, sharding: Sharding | None, name: str, shape: tuple[int, ...]
) -> tuple[Range, ...] | None:
    """The part of a tensor that the target wants; None for all of it."""
    if shard is not None:
        return region_of(shard.slices, shape, name) if shape == shard.shape else None
    slices = None if sharding is None else sharding(name, shape)
    return None if slices is None else region_of(slices, shape, name)


def _difference(
    name: str,
    target: Flattened,
    path: Path,
    record: TensorRecord,
    cast: Cast,
    region: tuple[Range, ...] | None,
) -> list[str]:
    meta = meta_of(target.tensors[path])
    shard = target.shards.get(path)
    same_dtype = meta.dtype.name == record.dtype or (cast == "allow" and may_cast(record.dtype, meta.dtype.name))
    wanted = record.shape if region is None else tuple(one.count for one in region)
    same_shape = meta.shape == wanted if shard is None else shard.shape == record.shape
    if same_shape and same_dtype:
        return []
    saved = TensorMeta(record.shape, find_dtype(record.dtype))
    if shard is not None:
        return [f"{name}: the checkpoint has {saved}, the target a part of {TensorMeta(shard.shape, meta.dtype)}"]
    part = "" if region is None else f", of which a part of shape {wanted} is wanted"
    return [f"{name}: the checkpoint has {saved}{part}, the target {meta}"]


def refuse_mismatch(where: str, found: Match, missing: Missing, unexpected: Unexpected) -> None:
    """Raises: CheckpointMismatchError with every difference, and with what to pass to restore all the same."""
    differences = list(found.differences)
    renames: dict[str, str] = {}
    if missing == "error":
        left = list(found.unexpected)
        for name in found.missing:
            near = get_close_matches(name, left, 1) if len(left) * len(found.missing) < 1 << 16 else []
            if near:
                renames[name] = near[0]
                left.remove(near[0])
            differences.append(f"{name}: not in the checkpoint" + (f"; it has {near[0]}" if near else ""))
    if unexpected == "error":
        differences += [f"{name}: in the checkpoint, but not in the target" for name in found.unexpected]
    if not differences:
        return
    listed = differences[:LISTED] + ([f"and {len(differences) - LISTED} more"] if len(differences) > LISTED else [])
    raise CheckpointMismatchError(
        f"a checkpoint does not fit its target: {len(differences)} difference{'s' * (len(differences) > 1)}",
        where=where,
        got="\n    ".join(["", *listed]),
        effect="nothing was changed",
        fix=_fix(found, renames),
    )


def _fix(found: Match, renames: Mapping[str, str]) -> str:
    ways = ["build the target as it was when it was saved"]
    if renames:
        text = ", ".join(f"{name!r}: {other!r}" for name, other in list(renames.items())[:_SUGGESTED])
        ways.append(f"rename={{{text}{', …' if len(renames) > _SUGGESTED else ''}}}")
    if found.missing:
        ways.append('missing="keep"')
    if found.unexpected:
        ways.append('unexpected="ignore"')
    if found.differences:
        ways.append("only= with the names that fit" + (', cast="allow" for dtypes' if _is_cast(found) else ""))
    return ways[0] + (", or pass " + ", ".join(ways[1:]) if len(ways) > 1 else "")


def _is_cast(found: Match) -> bool:
    return any("float" in difference for difference in found.differences)
