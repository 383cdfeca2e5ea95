"""Exporting: program, weights and assets are written to a folder out of sight, which then appears whole and durable."""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Mapping
from typing import Any

from dovetail_protocols.errors import CheckpointError, CheckpointUnsafeError

from ..collecting import collect
from ..commit import Durability, Staging, clear_errors, staged
from ..limits import DEFAULT, Limits, require_below
from ..saving import Receipt
from ..storage import FileSystem, Place, locate
from .describing import Description
from .document import write_program
from .files import Asset, size_of, write_asset
from .format import ASSET_NAME, ASSETS, NAME, seal_program
from .records import AssetRecord, ProgramRecord
from .weights import write_weights


def export(
    path: str | os.PathLike[str],
    module: Any,
    signatures: Any = None,
    *,
    methods: Collection[str] | None = None,
    assets: Mapping[str, Asset] | None = None,
    overwrite: bool = False,
    durability: Durability = "power-loss",
    limits: Limits = DEFAULT,
    file_system: FileSystem | None = None,
) -> Receipt:
    """Saves a module's traced functions and its variables as the folder `path`, which `load_program` loads without the
    module's class.

    `signatures`: a traced function (it becomes "serving_default"), or several by name; each one made by
    `dovetail.function`, a concrete function of it, or `(function, [TensorSpec, …])`. A size of None in a TensorSpec
    stays open. Every traced method of the module, and of modules in it, is exported too; `methods` names those to take,
    such as "__call__" and "encoder/embed". `assets`: files to go along, by name: paths, or their contents.
    `overwrite=True` replaces an export that is there, in one step. Plain Python attributes are not exported.
    `durability` is that of `save`.

    Raises: SignatureError, StructureError and GraphError for what can't be kept in a file; CheckpointError for
    variables that the module doesn't hold, where the target exists, or where storage fails, as `save` does. The target
    is then as it was.
    """
    started = time.perf_counter()
    target, files = locate(path, file_system), dict(assets or {})
    replaces = _is_replaced(target, overwrite=overwrite)
    _refuse_names(files)
    description = Description(module, signatures, methods)
    needed = sum(map(size_of, files.values())) + sum(one.size_bytes for one in description.variables)
    with staged(target, durability, replaces=replaces) as staging:
        collect(target.parent, target.path.name, is_locked=True, sync=staging.sync_folder)
        staging.open(needed)
        weights_size, weights_digest = write_weights(staging, description.flattened)
        written = _write_assets(staging, files)
        document = write_program(_record(description, written, weights_digest), description.functions)
        data, digest = seal_program(document)
        require_below("a program file", len(data), limits.program_bytes, "program_bytes", target)
        staging.write_durably(NAME, data)
        staging.publish(replaces=replaces)
        if replaces:
            staging.remove_replaced()
    size = weights_size + len(data) + sum(one.size_bytes for one in written.values())
    return Receipt(target.spelled, digest, size, len(description.variables), time.perf_counter() - started)


def _write_assets(staging: Staging, files: Mapping[str, Asset]) -> dict[str, AssetRecord]:
    if not files:
        return {}
    inner = staging.inside(ASSETS)
    written = {name: write_asset(inner, name, asset) for name, asset in files.items()}
    inner.sync_folder(inner.folder)
    return written


def _record(description: Description, assets: dict[str, AssetRecord], weights_digest: str) -> ProgramRecord:
    return ProgramRecord(
        (),
        description.signatures,
        description.methods,
        description.variables,
        description.objects,
        description.flattened.aliases,
        assets,
        weights_digest,
    )


def _is_replaced(target: Place, *, overwrite: bool) -> bool:
    with clear_errors(target):
        exists = target.file_system.exists(target.path)
        is_export = exists and target.file_system.exists(target.path / NAME)
    if exists and not (overwrite and is_export):
        raise CheckpointError(
            "the target of an export exists already",
            where=str(target),
            got="an exported program" if is_export else "something that is no exported program",
            fix="export to another path, or pass overwrite=True to replace an export",
        )
    if exists and not target.file_system.publishes_by_rename:
        raise CheckpointError(
            "an export in an object store can't be replaced in one step",
            where=str(target),
            effect="what is there was not touched",
            fix="export to another path",
        )
    return exists


def _refuse_names(files: Mapping[str, Asset]) -> None:
    for name in files:
        if not ASSET_NAME.fullmatch(name):
            raise CheckpointUnsafeError(
                f"the name of the asset {name!r} is not plain",
                expected="letters, digits, '.', '_' and '-', beginning with a letter, a digit or '_'",
                effect="nothing was exported",
            )
