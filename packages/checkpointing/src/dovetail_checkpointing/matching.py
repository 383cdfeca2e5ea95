"""Which value of a checkpoint belongs to which of a target, by object path; what doesn't fit is found and listed
whole."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import Any, Literal

from dovetail_protocols.dtypes import dtype as find_dtype
from dovetail_protocols.errors import AttributeValueError
from dovetail_protocols.metas import TensorMeta

from .casting import Cast, may_cast
from .manifest import Manifest, TensorRecord
from .object_tree import Flattened, Path, first_path, shown, split
from .shard import Shard, Sharding, region_of
from .slicing import Range
from .tensor_bytes import meta_of

Only = str | Sequence[str] | Callable[[str], bool]
Rename = Mapping[str, str] | Callable[[str], str]
Missing = Literal["error", "keep"]
Unexpected = Literal["error", "ignore"]


Kind = TensorMeta | Literal["scalar"]
"""What must agree for one value to take the place of another."""


@dataclass(frozen=True, slots=True)
class Difference:
    """In words, and whether `cast="allow"` is all that it takes."""

    text: str
    is_cast: bool


@dataclass
class Match:
    """What goes where, by the target's paths; names that only one side has; and shapes and dtypes that differ."""

    tensors: dict[Path, TensorRecord] = field(default_factory=dict)
    regions: dict[Path, tuple[Range, ...]] = field(default_factory=dict)
    """Which part of a tensor the target wants, where that is not all of it."""
    scalars: dict[Path, Any] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    unexpected: tuple[str, ...] = ()
    differences: dict[str, Difference] = field(default_factory=dict)
    """Of each name whose shape or dtype differs."""
    kinds_missing: dict[str, Kind] = field(default_factory=dict)
    kinds_unexpected: dict[str, Kind] = field(default_factory=dict)
    """What those are that only one side has, where their names are those of one value only."""


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
    is_wanted = picked(only, (*target.tensors, *target.scalars), target.aliases, "the target")
    renamed = renaming(rename)
    found = Match()
    missing, used = [], set()
    for path in (*target.tensors, *target.scalars):
        name = shown(path)
        if not is_wanted(path):
            continue
        is_saved = path in records or path in manifest.scalars
        other = renamed(name)
        source = path if is_saved and other == name else by_name.get(other)
        if source is None:  # it may stand in a container, or an object, that stood at several places when it was saved
            first = first_path(path if other == name else split(other), manifest.aliases)
            source = first if first in records or first in manifest.scalars else None
        if source is not None and path in target.tensors and source in records:
            used |= {source, records[source].path}
            found.tensors[path] = records[source]
            region = _region(target.shards.get(path), sharding, shown(source), records[source].shape)
            if region is not None:
                found.regions[path] = region
            difference = _difference(name, target, path, records[source], cast, region)
            if difference is not None:
                found.differences[name] = difference
        elif source is not None and path in target.scalars and source in manifest.scalars:
            used.add(source)
            found.scalars[path] = manifest.scalars[source]
        else:
            missing.append(name)
            is_tensor = path in target.tensors
            found.kinds_missing[name] = _plain(meta_of(target.tensors[path])) if is_tensor else "scalar"
    found.missing = tuple(missing)
    saved = (*(record.path for record in manifest.tensors), *manifest.scalars)
    left = [path for path in saved if path not in used] if only is None else []
    found.unexpected = tuple(sorted(map(shown, left)))
    for path in left:
        if by_name.get(shown(path)) == path:
            found.kinds_unexpected[shown(path)] = _kind_saved(records.get(path))
    return found


def _plain(meta: TensorMeta) -> TensorMeta:
    return TensorMeta(meta.shape, meta.dtype)  # wherever it is


def _kind_saved(record: TensorRecord | None) -> Kind:
    return "scalar" if record is None else TensorMeta(record.shape, find_dtype(record.dtype))


def selection(only: Only | None) -> Callable[[str], bool]:
    """Whether a name is wanted."""
    if only is None:
        return lambda name: True
    if callable(only):
        return only
    patterns = [only] if isinstance(only, str) else list(only)
    return lambda name: any(fnmatchcase(name, pattern) for pattern in patterns)


def picked(
    only: Only | None, paths: Iterable[Path], aliases: Mapping[Path, Path], whose: str
) -> Callable[[Path], bool]:
    """Whether a path is wanted. A pattern that fits an alias picks what it stands for.

    Raises: AttributeValueError for a pattern that no path matches, so that none picks nothing by mistake.
    """
    is_wanted = selection(only)
    if only is None or callable(only):
        return lambda path: is_wanted(shown(path))
    known = set(paths)
    names = [shown(path) for path in (*known, *(alias for alias in aliases if aliases[alias] in known))]
    for pattern in [only] if isinstance(only, str) else only:
        if not any(fnmatchcase(name, pattern) for name in names):
            raise _unmatched(pattern, names, whose)
    also = {original for alias, original in aliases.items() if is_wanted(shown(alias))}
    return lambda path: path in also or is_wanted(shown(path))


def _unmatched(pattern: str, names: Sequence[str], whose: str) -> AttributeValueError:
    below = f"{pattern}/*"
    near = [below] if any(fnmatchcase(name, below) for name in names) else get_close_matches(pattern, names, 1)
    return AttributeValueError(
        f"no path of {whose} matches a pattern",
        where="only",
        got=repr(pattern),
        effect="nothing was restored",
        fix=f"did you mean {near[0]!r}?" if near else f"its paths are such as {min(names, default='')!r}",
    )


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
) -> Difference | None:
    meta = meta_of(target.tensors[path])
    shard = target.shards.get(path)
    may_be_cast = meta.dtype.name == record.dtype or may_cast(record.dtype, meta.dtype.name)
    same_dtype = meta.dtype.name == record.dtype or (cast == "allow" and may_be_cast)
    wanted = record.shape if region is None else tuple(one.count for one in region)
    same_shape = meta.shape == wanted if shard is None else shard.shape == record.shape
    if same_shape and same_dtype:
        return None
    saved = TensorMeta(record.shape, find_dtype(record.dtype))
    name = name or "the tree itself"
    if shard is not None:
        text = f"{name}: the checkpoint has {saved}, the target a part of {TensorMeta(shard.shape, meta.dtype)}"
    else:
        part = "" if region is None else f", of which a part of shape {wanted} is wanted"
        text = f"{name}: the checkpoint has {saved}{part}, the target {meta}"
    return Difference(text, is_cast=same_shape and may_be_cast)
