"""Exporting: program, weights and assets are written to a folder out of sight, which then appears whole and durable."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Collection, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from dovetail_protocols.errors import CheckpointError, CheckpointUnsafeError

from ..file_system import FileSystem, LocalFileSystem
from ..saving import Receipt, save
from .describing import Description
from .document import write_program
from .format import ASSET_NAME, ASSETS, LIMIT_BYTES, NAME, WEIGHTS, seal
from .records import AssetRecord, ProgramRecord
from .weights import digest_of

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
    target, storage = Path(path), file_system or LocalFileSystem()
    exists = _is_replaced(target, overwrite=overwrite)
    description = Description(module, signatures, methods)
    contents = {name: _contents(name, given) for name, given in (assets or {}).items()}
    staging = target.with_name(f".tmp-{target.name}-{secrets.token_hex(8)}")
    try:
        storage.make_directory(staging)
        has_state = description.flattened.tensors or description.flattened.scalars
        receipt = save(staging / WEIGHTS, module if has_state else {}, file_system=storage)
        if contents:
            storage.make_directory(staging / ASSETS)
            for name, data in contents.items():
                storage.write(staging / ASSETS / name, [data])
            storage.sync_directory(staging / ASSETS)
        data = _program(description, contents, digest_of(staging / WEIGHTS), limit_bytes, target)
        storage.write(staging / NAME, [data])
        storage.sync_directory(staging)
        storage.rename(staging, target, exchange=exists)
        storage.sync_directory(target.parent)
    except OSError as error:
        storage.remove_tree(staging)
        raise CheckpointError(
            "a program could not be exported",
            where=str(target),
            cause=f"{type(error).__name__}: {error}",
            effect="what was there before is untouched",
        ) from error
    except BaseException:
        storage.remove_tree(staging)
        raise
    if exists:
        storage.remove_tree(staging)  # it holds the replaced export now
    size = receipt.size_bytes + len(data) + sum(map(len, contents.values()))
    return Receipt(target, size, receipt.tensor_count, time.perf_counter() - started)


def _program(
    description: Description, contents: Mapping[str, bytes], weights_digest: str, limit_bytes: int, target: Path
) -> bytes:
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
    data, _ = seal(write_program(record, description.functions))
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
    return data


def _is_replaced(target: Path, *, overwrite: bool) -> bool:
    exists = os.path.lexists(target)
    is_export = (target / NAME).is_file()
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
