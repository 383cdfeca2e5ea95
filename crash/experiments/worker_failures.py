"""A save in the background fails, at some call of its storage and in some way: the next call must say so.

Whichever call that is, it raises what was planted, with the step that it is about, once. Then the newest checkpoint is
whole, and the next save succeeds. A save may do without a call that failed; then it is there, and nothing is raised.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from random import Random
from threading import current_thread, main_thread
from typing import Any

import numpy as np

from crash.experiments.plan import Plan
from crash.formats.catalogue import OURS
from crash.results import Result
from crash.stand import Stand
from crash.tracing import scratch
from dovetail_checkpointing import Manager, MemoryFileSystem, last
from dovetail_protocols.errors import CheckpointError

FAILURES, PROGRAMS = 500, 12
RAISED, SPARED = "raised by the next call", "the save did without that call"
PLANTED: tuple[tuple[type[BaseException], tuple[Any, ...]], ...] = (
    (OSError, (5, "Input/output error")),
    (OSError, (28, "No space left on device")),
    (OSError, ("an error without a number",)),
    (MemoryError, ()),
    (RuntimeError, ("can't start new thread",)),
    (ValueError, ("a fault of the storage",)),
    (SystemExit, (1,)),
)
NEXT: dict[str, Callable[[Manager, Any], object]] = {
    "result": lambda manager, pending: pending.result(),
    "save": lambda manager, pending: manager.save(3, _tree(3)),
    "save_async": lambda manager, pending: manager.save_async(3, _tree(3)),
    "wait": lambda manager, pending: manager.wait(),
    "close": lambda manager, pending: manager.close(),
    "the end of a with": lambda manager, pending: manager.__exit__(None, None, None),
    "latest": lambda manager, pending: manager.latest(),
    "restore_latest": lambda manager, pending: manager.restore_latest(),
}
TOLD = "step-000000000002 was saved in the background"
PROGRAM = """
import sys
import numpy as np
from dovetail_checkpointing import LocalFileSystem, Manager

class Failing(LocalFileSystem):
    def create(self, path, size_bytes, **options):
        raise {error}("planted")

Manager(sys.argv[1], file_system=Failing()).save_async(1, {{"x": np.ones(3)}})
"""


def run(stand: Stand, plan: Plan) -> Iterator[Result]:
    if stand.name != OURS:
        return
    result, random = Result("worker-failures", stand.name, "the next call", plan.seed), Random(plan.seed)
    wanted = plan.count(FAILURES, stand.name, quick=40)
    while result.counts[RAISED] + result.misses.total() < wanted:
        _one(random, result)
    yield result
    result = Result("worker-failures", stand.name, "the end of the program", plan.seed)
    for place in range(plan.count(PROGRAMS, stand.name, quick=1)):
        _program(("OSError", "MemoryError", "ValueError", "SystemExit")[place % 4], result)
    yield result


def _one(random: Random, result: Result) -> None:
    (kind, arguments), (name, call) = random.choice(PLANTED), random.choice([*NEXT.items()])
    planted, faults, storage = kind(*arguments), _faults(), MemoryFileSystem()
    manager = Manager("run", keep=[last(1)], file_system=faults.storage(storage))
    manager.save(1, _tree(1))
    faults.planted, faults.failing = planted, random.randrange(_calls_of_a_save())
    pending = manager.save_async(2, _tree(2))
    error = _raised(lambda: call(manager, pending))
    faults.failing, hit = None, faults.hit
    case = f"{hit} raised {planted!r}, then {name}"
    again = _raised(manager.wait)
    found = _newest(storage)
    if hit is None:
        return
    if found not in (1, 2, 3):
        result.add("no whole checkpoint", miss=True, example=f"{case}: {found}")
    elif error is None and found == 1:
        result.add("nothing was raised", miss=True, example=case)
    elif error is not None and planted not in _chain(error):
        result.add("something else was raised", miss=True, example=f"{case}: {error!r}")
    elif error is not None and not any(TOLD in note for note in getattr(error, "__notes__", ())):
        result.add("the step was not told", miss=True, example=case)
    elif again is not None:
        result.add("raised twice", miss=True, example=f"{case}: {again!r}")
    elif (after := _raised(lambda: manager.save(4, _tree(4)))) is not None or _newest(storage) != 4:
        result.add("the next save failed", miss=True, example=f"{case}: {after!r}")
    else:
        result.add(RAISED if error is not None else SPARED)


def _faults() -> Any:
    """Storage of the package's tests, whose n-th call in the background raises what was planted; `hit` is that call."""
    base: Any = import_module("packages.checkpointing.tests.faulty_storage").Faults

    class Faults(base):  # type: ignore[misc] # it is imported by name
        hit, planted = None, OSError()

        def called(self, call: str) -> None:
            if current_thread() is main_thread():
                return
            place = len(self.calls)
            self.calls.append(call)
            if place == self.failing:
                self.hit = call
                raise self.planted

    return Faults()


def _calls_of_a_save() -> int:
    faults = _faults()
    manager = Manager("run", keep=[last(1)], file_system=faults.storage())
    manager.save(1, _tree(1))
    manager.save_async(2, _tree(2)).result()
    return len(faults.calls)


def _tree(number: int) -> dict[str, Any]:
    return {"kernel": np.full(1000, number), "number": number}


def _newest(storage: Any) -> int | str:
    """The number of the newest checkpoint, or why there is none."""
    try:
        restored = Manager("run", file_system=storage).restore_latest()
    except CheckpointError as error:
        return str(error)
    if restored is None or not (restored.tree["kernel"] == restored.tree["number"]).all():
        return "nothing, or parts of two"
    return int(restored.tree["number"])


def _raised(call: Callable[[], object]) -> BaseException | None:
    try:
        call()
    except BaseException as error:  # noqa: BLE001 - whatever it is, it is the outcome
        return error
    return None


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _program(error: str, result: Result) -> None:
    folder = scratch()
    try:
        command = [sys.executable, "-c", PROGRAM.format(error=error), str(folder)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    finally:
        shutil.rmtree(folder)
    if "step-000000000001 was NOT saved" in done.stderr and error in done.stderr:
        result.add("printed at the end of the program")
    else:
        result.add("not told", miss=True, example=f"{error}: {done.stderr[-300:]}")
