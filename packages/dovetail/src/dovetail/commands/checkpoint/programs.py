"""Exported programs, as far as they are looked into: what they are called with, and whether they are sound."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dovetail_protocols.errors import CheckpointCorruptError

from .places import PROGRAM, Found

if TYPE_CHECKING:
    from dovetail_checkpointing import Damage, Verification
    from dovetail_checkpointing.program.records import FunctionRecord, ProgramRecord

    from .progress import Progress


def read(folder: Path) -> tuple[ProgramRecord, str]:
    """The record of a program, and its digest; weights and files beside it are not read.

    Raises: what `load_program` raises for program.json.
    """
    from dovetail_checkpointing.program.document import read_program
    from dovetail_checkpointing.program.files import read_limited
    from dovetail_checkpointing.program.format import LIMIT_BYTES, unseal

    document, digest = unseal(read_limited(folder / PROGRAM, LIMIT_BYTES), folder / PROGRAM)
    return read_program(document, folder / PROGRAM), digest


def signatures(record: ProgramRecord) -> dict[str, list[dict[str, Any]]]:
    """What each signature takes and gives, once for each of its traces."""
    return {
        name: [_call(record.functions[number]) for number in numbers] for name, numbers in record.signatures.items()
    }


def _call(function: FunctionRecord) -> dict[str, Any]:
    results = len(function.template.graph.outputs) - sum(
        state.output is not None for state in function.template.graph.states
    )
    return {
        "inputs": [str(one) for one in function.inputs],
        "outputs": [function.describe_output(number) for number in range(results)],
    }


def verify_program(found: Found, level: Any, progress: Progress) -> Verification:
    """What is wrong with a program's description, weights and files."""
    from dovetail_checkpointing import Damage, verify

    weights = verify(found.checkpoint, level, progress=progress.update)
    damages = [replace(one, file=f"variables/{one.file}") for one in weights.damages]
    digest = ""
    try:
        record, digest = read(found.path)
    except CheckpointCorruptError as error:
        damages.insert(0, Damage(PROGRAM, str(error.cause), ()))
    else:
        if weights.digest and weights.digest != record.weights_digest:
            damages.append(Damage("variables/manifest.json", "these are the weights of another export", ()))
        damages += _assets(found.path, record)
    return replace(weights, path=str(found.path), digest=digest, damages=tuple(damages))


def _assets(folder: Path, record: ProgramRecord) -> list[Damage]:
    from dovetail_checkpointing import Damage
    from dovetail_checkpointing.program.files import checked_asset
    from dovetail_checkpointing.program.format import ASSETS

    damages = []
    for name, expected in record.assets.items():
        try:
            checked_asset(folder / ASSETS, name, expected)
        except CheckpointCorruptError as error:
            damages.append(Damage(f"{ASSETS}/{name}", str(error.cause), ()))
    return damages
