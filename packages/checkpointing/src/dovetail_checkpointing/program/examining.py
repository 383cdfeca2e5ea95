"""Looking at an exported program without loading it: what it is called with, and whether its files are sound."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace

from dovetail_protocols.errors import CheckpointCorruptError

from ..extents import Verify
from ..limits import DEFAULT, Limits
from ..storage import FileSystem, Place, locate
from ..verifying import Damage, Verification, verify_place
from .document_reader import read_program
from .files import check_asset, opened, read_program_file, refuse_link
from .format import ASSETS, NAME, WEIGHTS, unseal_program
from .records import FunctionRecord, ProgramRecord


@dataclass(frozen=True, slots=True)
class Call:
    """What one trace of a signature takes and gives, such as "x: float32[?,3]" and "float32[?,10]"."""

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


def read_record(place: Place, limits: Limits = DEFAULT) -> tuple[ProgramRecord, str]:
    """What program.json says, and its digest. Weights and assets are not looked at.

    Raises: what `load_program` raises for that file.
    """
    with opened(place) as folder:
        document, digest = unseal_program(read_program_file(folder, place, limits), place.child(NAME))
    return read_program(document, place.child(NAME)), digest


def signature_calls(record: ProgramRecord) -> dict[str, tuple[Call, ...]]:
    """What each signature takes and gives, once for each of its traces."""
    return {
        name: tuple(_call(record.functions[number]) for number in numbers)
        for name, numbers in record.signatures.items()
    }


def _call(function: FunctionRecord) -> Call:
    graph = function.template.graph
    results = len(graph.outputs) - sum(state.output is not None for state in graph.states)
    return Call(tuple(map(str, function.inputs)), tuple(function.describe_output(number) for number in range(results)))


def verify_program(
    path: str | os.PathLike[str],
    level: Verify = "full",
    *,
    limits: Limits = DEFAULT,
    file_system: FileSystem | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Verification:
    """All that is wrong with an exported program: its description, its weights and its assets.

    Raises: what `verify` raises; GraphError for operations that are not known here.
    """
    place = locate(path, file_system)
    weights = place.child(WEIGHTS)
    refuse_link(weights)
    verified = verify_place(weights, level, limits, progress)
    damages = [replace(one, file=f"{WEIGHTS}/{one.file}") for one in verified.damages]
    digest = ""
    try:
        record, digest = read_record(place, limits)
    except CheckpointCorruptError as error:
        damages.insert(0, Damage(NAME, str(error.cause), ()))
    else:
        if verified.digest and verified.digest != record.weights_digest:
            damages.append(Damage(f"{WEIGHTS}/manifest.json", "these are the weights of another export", ()))
        damages += _damaged_assets(place.child(ASSETS), record)
    return replace(verified, path=str(place), digest=digest, damages=tuple(damages))


def _damaged_assets(place: Place, record: ProgramRecord) -> list[Damage]:
    if not record.assets:
        return []
    refuse_link(place)
    damages = []
    with opened(place) as folder:
        for name, expected in record.assets.items():
            try:
                check_asset(folder, place, name, expected)
            except CheckpointCorruptError as error:
                damages.append(Damage(f"{ASSETS}/{name}", str(error.cause), ()))
    return damages
