"""What is recorded: series of saves as trainings make them, and how their checkpoints are looked for afterwards."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

import numpy as np

from crash.inside.loading import StateFileSystem
from crash.inside.recording import Killed, RecordingFileSystem
from dovetail_checkpointing import FileSystem, Manager, MemoryFileSystem, best, last, restore, save
from dovetail_checkpointing.retention import Retention
from dovetail_conformance.power_cut import Event, SaveBegan, SaveReturned
from dovetail_protocols.errors import CheckpointError

Storage = Callable[[FileSystem], FileSystem]
"""Puts a fault into storage, for mutants; the storage itself, where there is none."""
Load = Callable[[StateFileSystem], Hashable]


@dataclass(frozen=True)
class Workload:
    """What happened to storage, from `first_moment` on with a power cut, and the load that looks at what is left.

    `carry_on` makes save 99, as the next process does, and gives what is found then.
    """

    name: str
    events: Sequence[Event]
    load: Load
    carry_on: Callable[[FileSystem], Hashable]
    first_moment: int = 0


def tree(number: int) -> dict[str, Any]:
    """What save `number` saves: three files, one of them of two blocks of data."""
    random = np.random.default_rng(number)
    return {
        "model": {"kernel": random.standard_normal(1200), "bias": random.standard_normal(7).astype(np.float32)},
        "optimizer": {"momentum": random.standard_normal(7)},
        "number": np.array([number]),
        "epoch": number,
    }


def number_of(found: Any) -> Hashable:
    """Which save a restored tree is of, or that it is of none."""
    expected = tree(int(found["epoch"]))
    model, wanted = found["model"], expected["model"]
    pairs = [(model["kernel"], wanted["kernel"]), (model["bias"], wanted["bias"])]
    pairs += [(found["optimizer"]["momentum"], expected["optimizer"]["momentum"])]
    pairs += [(found["number"], expected["number"])]
    is_same = all(one.dtype == other.dtype and one.tobytes() == other.tobytes() for one, other in pairs)
    return int(found["epoch"]) if is_same else "other values"


# How a checkpoint is looked for


def loads_folder(path: str, **options: Any) -> Load:
    """`restore` of one folder."""

    def load(storage: StateFileSystem) -> Hashable:
        if not storage.exists(PurePath(path)):
            return None
        try:
            return number_of(restore(path, file_system=storage, **options).tree)
        except CheckpointError as error:
            return f"refused: {error}"

    return load


def loads_latest(root: str, newest: Sequence[int] = (), **options: Any) -> Load:
    """`Manager.restore_latest`, which must not fail; what counts is the first of the steps `newest` that is there
    (where steps don't ascend the latest isn't the newest)."""

    def load(storage: StateFileSystem) -> Hashable:
        storage.is_hidden = True
        manager = Manager(root, file_system=storage)
        storage.is_hidden = False
        try:
            found = manager.restore_latest(**options)
            there = [step for step in newest if storage.exists(PurePath(root, f"step-{step:012}"))]
            if there:
                found = restore(PurePath(root, f"step-{there[0]:012}"), file_system=storage, **options)
        except CheckpointError as error:
            return f"refused: {error}"
        return None if found is None else number_of(found.tree)

    return load


# How it goes on


def replaces_folder(storage: FileSystem) -> Hashable:
    save("run/c", tree(99), overwrite=True, file_system=storage)
    found = number_of(restore("run/c", file_system=storage).tree)
    return found if sorted(storage.list_folder(PurePath("run"))) == ["c"] else "leftovers"


def goes_on_training(storage: FileSystem) -> Hashable:
    manager = Manager("runs/one", keep=[last(1)], file_system=storage)
    manager.save(99, tree(99))
    restored = manager.restore_latest()
    names = sorted(storage.list_folder(PurePath("runs/one")))
    if names != [".lock", "step-000000000099"]:
        return f"leftovers: {names}"
    return None if restored is None else number_of(restored.tree)


# What happens


class Recorder:
    """Runs saves in a storage of memory, and records them."""

    def __init__(self, broken: Storage) -> None:
        self.memory, self.events, self._broken = MemoryFileSystem(), list[Event](), broken

    def process(self, kill_after: int | None = None) -> FileSystem:
        """Storage as a process sees it, that is killed after so many calls."""
        return self._broken(RecordingFileSystem(self.memory, self.events, kill_after))

    def save(self, number: int, action: Callable[[], object]) -> bool:
        """One save; whether it returned."""
        self.events.append(SaveBegan(number))
        with suppress(Killed):
            action()
            self.events.append(SaveReturned(number))
            return True
        return False


def saves_of_steps(broken: Storage, **options: Any) -> Recorder:
    """Two steps, in folders that are made on the way."""
    recorder = Recorder(broken)
    for number in (1, 2):
        place = f"runs/one/step-{number}"
        recorder.save(number, lambda n=number, p=place: save(p, tree(n), file_system=recorder.process(), **options))  # type: ignore[misc] # mypy can't see into lambdas with defaults
    return recorder


def saves_in_place(broken: Storage, **options: Any) -> Recorder:
    """One checkpoint, replaced twice."""
    recorder = Recorder(broken)
    for number in (1, 2, 3):
        _overwrite(recorder, number, **options)
    return recorder


def saves_of_manager(broken: Storage, steps: Sequence[int], keep: Sequence[Retention]) -> Recorder:
    """A training whose old checkpoints are removed; each save better than those before it."""
    recorder = Recorder(broken)
    for number, step in enumerate(steps):
        _managed(recorder, step, keep, loss=-number)
    return recorder


def killed_then_saved(broken: Storage, action: str) -> Iterator[tuple[Recorder, int]]:
    """A save that is killed after each of its calls, then the next one, of another process. With each the moment of the
    kill."""
    kill_after = 0
    while True:
        recorder = Recorder(broken)
        if action != "first save":
            _ACTIONS[action](recorder, 1, None)
        if _ACTIONS[action](recorder, 2, kill_after):
            return
        killed_at = len(recorder.events)
        recorder.memory.forget_locks()
        _ACTIONS[action](recorder, 3, None)
        yield recorder, killed_at
        kill_after += 1


def _overwrite(recorder: Recorder, number: int, kill_after: int | None = None, **options: Any) -> bool:
    storage = recorder.process(kill_after)
    return recorder.save(
        number,
        lambda: save("run/c", tree(number), overwrite=True, file_system=storage, **options),
    )


def _managed(
    recorder: Recorder,
    step: int,
    keep: Sequence[Retention] = (last(1),),
    kill_after: int | None = None,
    loss: float = 0.0,
) -> bool:
    storage = recorder.process(kill_after)

    def action() -> None:
        Manager("runs/one", keep=keep, file_system=storage).save(step, tree(step), metrics={"loss": loss})

    return recorder.save(step, action)


_ACTIONS: dict[str, Callable[[Recorder, int, int | None], bool]] = {
    "first save": lambda recorder, number, kill_after: _managed(recorder, number, kill_after=kill_after),
    "next step": lambda recorder, number, kill_after: _managed(recorder, number, kill_after=kill_after),
    "replacement": _overwrite,
}


NAMES = (
    "two steps",
    "several shards",
    "replacements",
    "retention",
    "retention of falling steps",
    "first save after a killed one",
    "next step after a killed one",
    "replacement after a killed one",
)


def workloads(name: str, broken: Storage = lambda storage: storage, **options: Any) -> Iterator[Workload]:
    """Those of one of the NAMES: one, or one for each moment of a kill. `options` are those of restoring."""
    latest = loads_latest("runs/one", **options)
    match name:
        case "two steps":
            yield Workload(name, saves_of_steps(broken).events, latest, goes_on_training)
        case "several shards":
            yield Workload(name, saves_of_steps(broken, shard_bytes=100).events, latest, goes_on_training)
        case "replacements":
            yield Workload(name, saves_in_place(broken).events, loads_folder("run/c", **options), replaces_folder)
        case "retention":
            recorder = saves_of_manager(broken, (1, 2, 3, 4), [last(1)])
            yield Workload(name, recorder.events, latest, goes_on_training)
        case "retention of falling steps":
            recorder = saves_of_manager(broken, (9, 5, 3), [best("loss")])
            yield Workload(name, recorder.events, loads_latest("runs/one", (3, 5, 9), **options), goes_on_training)
        case "replacement after a killed one":
            for recorder, killed_at in killed_then_saved(broken, "replacement"):
                yield Workload(name, recorder.events, loads_folder("run/c", **options), replaces_folder, killed_at)
        case _:
            for recorder, killed_at in killed_then_saved(broken, name.removesuffix(" after a killed one")):
                yield Workload(name, recorder.events, latest, goes_on_training, killed_at)
