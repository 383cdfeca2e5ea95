"""Exporting: program, weights and assets are written to a folder out of sight, which then appears whole and durable."""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Mapping
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

from dovetail_protocols.errors import CheckpointError, CheckpointUnsafeError

from ..collecting import collect, remove_tree
from ..commit import staged
from ..saving import Receipt, save
from ..storage import FileSystem, Place, locate
from .describing import Description
from .document import write_program
from .format import ASSET_NAME, ASSETS, LIMIT_BYTES, NAME, WEIGHTS, seal
from .records import AssetRecord, ProgramRecord

Assets = Mapping[str, "str | os.PathLike[str] | bytes"]


def export(
    path: str | os.PathLike[str],
    module: Any,
    signatures: Any = None,
    *,
    methods: Collection[str] | None = None,
    assets: Assets | None = None,
    overwrite: bool = False,
    limit_bytes: int = LIMIT_BYTES,
    file_system: FileSystem | None = None,
) -> Receipt:
    """Saves a module's traced functions and its variables as the folder `path`, which `load_program` loads without the
    module's class.

    `signatures`: a traced function (it becomes "serving_default"), or several by name; each one made by
    `dovetail.function`, a concrete function of it, or `(function, [TensorSpec, …])`. A size of None in a TensorSpec
    stays open. Every traced method of the module, and of modules in it, is exported too; `methods` names those to take,
    such as "__call__" and "encoder/embed". `assets`: files to go along, by name: paths, or their contents.
    `overwrite=True` replaces an export that is there, in one step. Plain Python attributes are not exported.

    Raises: SignatureError, StructureError and GraphError for what can't be kept in a file; CheckpointError for
    variables that the module doesn't hold, where the target exists, or where storage fails. The target is then as it
    was.
    """
    started = time.perf_counter()
    target = locate(path, file_system)
    replaces = _is_replaced(target, overwrite=overwrite)
    description = Description(module, signatures, methods)
    contents = {name: _contents(name, given) for name, given in (assets or {}).items()}
    with staged(target, "power-loss") as staging:
        collect(target.parent, target.path.name, is_locked=True)
        staging.open(sum(map(len, contents.values())))
        has_state = description.flattened.tensors or description.flattened.scalars
        receipt = save(staging.folder / WEIGHTS, module if has_state else {}, file_system=staging.storage)
        if contents:
            staging.storage.make_folder(staging.folder / ASSETS)
            for name, data in contents.items():
                staging.write_durably(f"{ASSETS}/{name}", data)
            staging.sync_folder(staging.folder / ASSETS)
        data, digest = _program(description, contents, receipt.digest, limit_bytes, target)
        staging.write_durably(NAME, data)
        staging.publish(replaces=replaces)
        if replaces:
            with suppress(OSError):  # it holds the replaced export now; what stays of it the next export removes
                remove_tree(staging.storage, staging.folder)
    size = receipt.size_bytes + len(data) + sum(map(len, contents.values()))
    return Receipt(target.spelled, digest, size, receipt.tensor_count, time.perf_counter() - started)


def _program(
    description: Description, contents: Mapping[str, bytes], weights_digest: str, limit_bytes: int, target: Place
) -> tuple[bytes, str]:
    assets = {name: AssetRecord(len(data), sha256(data).hexdigest()) for name, data in contents.items()}
    record = ProgramRecord(
        (),
        description.signatures,
        description.methods,
        description.variables,
        description.objects,
        description.flattened.aliases,
        assets,
        weights_digest,
    )
    data, digest = seal(write_program(record, description.functions))
    if len(data) > limit_bytes:
        raise CheckpointUnsafeError(
            "a program is beyond the limit, and would not be read again",
            where=str(target),
            expected=f"at most {limit_bytes:,} bytes",
            got=f"{len(data):,}",
            effect="nothing was exported",
            fix="hold large constants in variables (trainable=False), so that they are among the weights; or pass "
            "limit_bytes=",
        )
    return data, digest


def _is_replaced(target: Place, *, overwrite: bool) -> bool:
    exists = target.file_system.exists(target.path)
    is_export = exists and target.file_system.exists(target.path / NAME)
    if exists and not (overwrite and is_export):
        raise CheckpointError(
            "the target of an export exists already",
            where=str(target),
            got="an exported program" if is_export else "something that is no exported program",
            fix="export to another path, or pass overwrite=True to replace an export",
        )
    return exists


def _contents(name: str, given: str | os.PathLike[str] | bytes) -> bytes:
    if not ASSET_NAME.fullmatch(name):
        raise CheckpointUnsafeError(
            f"the name of the asset {name!r} is not plain",
            expected="letters, digits, '.', '_' and '-', beginning with a letter, a digit or '_'",
            effect="nothing was exported",
        )
    return given if isinstance(given, bytes) else Path(given).read_bytes()
