"""Exported programs: one that is replaced, also after an export that was killed."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from pathlib import PurePath
from typing import Any

import numpy as np

import dovetail as dt
from crash.inside.workloads import Recorder, Workload
from dovetail_checkpointing import FileSystem, export, load_program
from dovetail_protocols.errors import CheckpointError

NAME = "replaced programs"
PLACE = "run/program"


class Scaling(dt.Module):
    """Multiplies by the number of its export."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.scale = dt.Variable(np.full(600, number, np.float32))

    def __call__(self, x: Any) -> Any:
        return x * self.scale


def exported(number: int, storage: FileSystem) -> None:
    module = Scaling(number)
    signature = (dt.function(module.__call__), [dt.TensorSpec((600,), "float32")])
    assets = {"number": str(number).encode()}
    export(PLACE, module, {"scaled": signature}, assets=assets, overwrite=True, file_system=storage)


def loads_program(storage: Any) -> Hashable:
    """Which export is there: as its variable, its file and its function say, which must agree."""
    if not storage.exists(PurePath(PLACE)):
        return None
    try:
        program = load_program(PLACE, file_system=storage)
        file = storage.open_folder(PurePath(PLACE, "assets")).open("number")
    except CheckpointError as error:
        return f"refused: {error}"
    buffer = bytearray(file.size_bytes)
    file.read_into(0, memoryview(buffer))
    (scale,) = program.variables
    result = np.asarray(program.signatures["scaled"](np.ones(600, np.float32))["output_0"])
    numbers = {int(buffer), *np.asarray(scale).tolist(), *result.tolist()}
    return int(buffer) if len(numbers) == 1 else "other values"


def goes_on_exporting(storage: FileSystem) -> Hashable:
    exported(99, storage)
    found = loads_program(storage)
    return found if sorted(storage.list_folder(PurePath("run"))) == ["program"] else "leftovers"


def programs() -> Iterator[Workload]:
    """Two exports to one place; then exports after one that was killed at some call."""
    recorder = Recorder(lambda storage: storage)
    for number in (1, 2):
        recorder.save(number, _exporting(recorder, number))
    yield Workload(NAME, recorder.events, loads_program, goes_on_exporting)
    kill_after = 0
    while True:
        recorder = Recorder(lambda storage: storage)
        recorder.save(1, _exporting(recorder, 1))
        if recorder.save(2, _exporting(recorder, 2, kill_after)):
            return
        killed_at = len(recorder.events)
        recorder.memory.forget_locks()
        recorder.save(3, _exporting(recorder, 3))
        yield Workload(NAME, recorder.events, loads_program, goes_on_exporting, killed_at)
        kill_after += 7  # of some of the calls: each takes a while to record


def _exporting(recorder: Recorder, number: int, kill_after: int | None = None) -> Callable[[], None]:
    return lambda: exported(number, recorder.process(kill_after))
