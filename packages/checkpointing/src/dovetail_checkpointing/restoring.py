"""Restoring: all that doesn't fit is found and listed before anything is changed."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any, Literal

import numpy as np

from dovetail_protocols.arrays import is_variable
from dovetail_protocols.dtypes import dtype as find_dtype
from dovetail_protocols.errors import CheckpointMismatchError
from dovetail_protocols.metas import TensorMeta

from .manifest import Manifest, TensorRecord
from .object_tree import Flattened, Path, flatten, map_leaves, shown
from .reading import read_manifest, read_tensors
from .tensor_bytes import placed

LISTED = 40
"""Differences that one error lists; it counts the rest."""


@dataclass(frozen=True)
class Report:
    """What a restore did: object paths that were restored, that the checkpoint lacks, and that the target lacks."""

    restored: tuple[str, ...]
    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    step: int | None


@dataclass(frozen=True)
class Restored:
    """The tree, with new values where it held plain arrays and scalars, and the report."""

    tree: Any
    report: Report


def restore(
    path: str | os.PathLike[str],
    into: Any,
    *,
    only: Callable[[str], bool] | None = None,
    rename: Mapping[str, str] | None = None,
    missing: Literal["error", "keep"] = "error",
    unexpected: Literal["error", "ignore"] = "error",
) -> Restored:
    """Puts a checkpoint's values into a tree like the one that was saved.

    Variables (in modules, optimizers, generators too) are changed in place; plain arrays and scalars can't be, so the
    returned tree holds the new ones. Matching is by object path, never by variable name. `only` selects paths of the
    target; `rename` maps paths of the target to those in the checkpoint.

    Raises: CheckpointMismatchError with every difference of names, shapes and dtypes; CheckpointCorruptError. Nothing
    is changed then.
    """
    return restore_from(read_manifest(path), path, into, only, rename or {}, missing, unexpected)


def restore_from(
    manifest: Manifest,
    path: str | os.PathLike[str],
    into: Any,
    only: Callable[[str], bool] | None = None,
    rename: Mapping[str, str] = MappingProxyType({}),
    missing: str = "error",
    unexpected: str = "error",
) -> Restored:
    """`restore` for a manifest that was read already."""
    target = flatten(into)
    match = _match(manifest, target, only, rename)
    _refuse_mismatch(str(path), manifest, match, missing, unexpected)
    arrays = read_tensors(path, list(match.tensors.values()), manifest)
    variables = {own_path: value for own_path, value in target.tensors.items() if is_variable(value)}
    buffers = {p: placed(arrays[match.tensors[p].path], v) for p, v in variables.items() if p in match.tensors}
    for owner_path, owner in target.owners.items():
        depth = len(owner_path)
        scalars = {shown(p[depth:]): v for p, v in match.scalars.items() if p[:depth] == owner_path}
        if scalars:
            owner.load_checkpoint_state(scalars)
    new: dict[Path, Any] = dict(match.scalars)
    for own_path, record in match.tensors.items():
        value = target.tensors[own_path]
        if own_path in buffers:
            value.replace(buffers[own_path])
        else:
            new[own_path] = _like(value, arrays[record.path], record)
    tree = map_leaves(into, lambda p, leaf: new.get(target.aliases.get(p, p), leaf))
    restored = tuple(shown(p) for p in (*match.tensors, *match.scalars))
    return Restored(tree, Report(restored, match.missing, match.unexpected, manifest.step))


@dataclass
class _Match:
    tensors: dict[Path, TensorRecord]
    scalars: dict[Path, Any]
    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    differences: list[str]


def _match(manifest: Manifest, target: Flattened, only: Any, rename: Mapping[str, str]) -> _Match:
    records = {record.path: record for record in manifest.tensors}
    for alias, original in manifest.aliases.items():
        if original in records:
            records.setdefault(alias, records[original])
    by_name = unambiguous((*records, *manifest.scalars))
    match = _Match({}, {}, (), (), [])
    missing, used = [], set()
    for path in (*target.tensors, *target.scalars):
        name = shown(path)
        if only is not None and not only(name):
            continue
        is_saved = path in records or path in manifest.scalars
        source = path if is_saved and name not in rename else by_name.get(rename.get(name, name))
        if path in target.tensors and source in records:
            used |= {source, records[source].path}
            match.tensors[path] = records[source]
            match.differences += _difference(name, target.tensors[path], records[source])
        elif path in target.scalars and source in manifest.scalars:
            used.add(source)
            match.scalars[path] = manifest.scalars[source]
        else:
            missing.append(name)
    match.missing = tuple(missing)
    saved = (*(record.path for record in manifest.tensors), *manifest.scalars)
    match.unexpected = () if only else tuple(sorted(shown(path) for path in saved if path not in used))
    return match


def unambiguous(paths: Iterable[Path]) -> dict[str, Path]:
    """Paths by how they read, for targets whose keys are of another kind: a dict's "0" for a list's 0. Those that read
    alike ("a/b", and "b" below "a") are left out: they are matched by the path itself only."""
    found: dict[str, list[Path]] = {}
    for path in paths:
        found.setdefault(shown(path), []).append(path)
    return {name: same[0] for name, same in found.items() if len(same) == 1}


def _meta(value: Any) -> TensorMeta:
    return value.meta if hasattr(value, "meta") else TensorMeta(tuple(value.shape), find_dtype(value.dtype.name))


def _difference(name: str, value: Any, record: TensorRecord) -> list[str]:
    meta = _meta(value)
    if meta.shape == record.shape and meta.dtype.name == record.dtype:
        return []
    saved = TensorMeta(record.shape, find_dtype(record.dtype))
    return [f"{name}: the checkpoint has {saved}, the target {meta}"]


def _refuse_mismatch(where: str, manifest: Manifest, match: _Match, missing: str, unexpected: str) -> None:
    differences = list(match.differences)
    known = list(match.unexpected) or [shown(record.path) for record in manifest.tensors]
    if missing == "error":
        for name in match.missing:
            near = get_close_matches(name, known, 1)
            hint = f"; did you mean rename={{{name!r}: {near[0]!r}}}?" if near else ""
            differences.append(f"{name}: not in the checkpoint{hint}")
    if unexpected == "error":
        differences += [f"{name}: in the checkpoint, but not in the target" for name in match.unexpected]
    if not differences:
        return
    listed = differences[:LISTED] + ([f"and {len(differences) - LISTED} more"] if len(differences) > LISTED else [])
    raise CheckpointMismatchError(
        f"a checkpoint does not fit its target: {len(differences)} difference{'s' * (len(differences) > 1)}",
        where=where,
        got="\n    ".join(["", *listed]),
        effect="nothing was changed",
        fix='build the target as it was when it was saved, or pass rename=, only=, missing="keep", unexpected="ignore"',
    )


def _like(value: Any, array: np.ndarray[Any, Any], record: TensorRecord) -> Any:
    """The array as what stood in the tree: a NumPy array, or a tensor of the provider."""
    if isinstance(value, np.ndarray | np.generic):
        return array
    from dovetail_protocols.arrays import provider

    return provider().convert(array, dtype=find_dtype(record.dtype), device=value.device)
