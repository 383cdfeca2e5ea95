"""A save is recorded, and every state that a power cut may leave at each moment of it is loaded (a sample of them,
where there are too many)."""

from __future__ import annotations

import shutil
from collections.abc import Hashable, Iterator
from pathlib import Path
from random import Random

from crash.experiments.plan import Plan
from crash.recording import OPTIONS, TRACED, CannotRecord, events_of, tree
from crash.results import Result
from crash.stand import Case, Stand, copied
from crash.tracing import Trace, known, scratch, why_not
from dovetail_conformance.power_cut import (
    JOURNALED,
    POSIX,
    Event,
    SaveBegan,
    SaveReturned,
    State,
    Verdict,
    states,
    verdict,
)

DISKS = {"any disk": POSIX, "journaled disk": JOURNALED}
OUTCOMES = {
    Verdict.SOUND: "sound",
    Verdict.LOST: "a save that had returned is lost",
    Verdict.STALE: "an older save in place of one that had returned",
    Verdict.WRONG: "wrong values loaded",
}


def run(stand: Stand, plan: Plan) -> Iterator[Result]:
    for case in stand.cases():
        if case.name == "many small tensors":
            continue  # the same calls as above, but for more writes to one file
        results = [Result("power-cuts", stand.name, f"{case.name}, {disk}", plan.seed) for disk in DISKS]
        if reason := why_not():
            for result in results:
                result.skipped = reason
            yield from results
            continue
        template = stand.template(case)
        try:
            events = recorded(stand, case, template)
            for result, rules in zip(results, DISKS.values(), strict=True):
                result.notes.append(f"{len(events)} events")
                limit = plan.count(20_000, stand.name, quick=300, peers=3_000) // (len(events) + 1)
                whole = with_saves(case, events)
                moments = range(len(whole) - len(events) - 2, len(whole) + 1)
                found = states(
                    whole, start=tree(template), random=Random(plan.seed), limit=limit, rules=rules, moments=moments
                )
                _load_all(stand, case, found, result)
                yield result
        except CannotRecord as error:
            for result in results:
                result.skipped = f"cannot be recorded: {error}"
            yield from results
        finally:
            shutil.rmtree(template)


def with_saves(case: Case, events: list[Event]) -> list[Event]:
    """The events of a save that returned, after those that had returned before it."""
    before = [mark(number) for number in range(1, case.number) for mark in (SaveBegan, SaveReturned)]
    return [*before, SaveBegan(case.number), *events, SaveReturned(case.number)]


def survives(stand: Stand, case: Case, template: Path, events: list[Event]) -> bool:
    """Whether a save that made these calls and returned is there after a power cut, in every state that is tried."""
    whole = with_saves(case, events)
    last = states(whole, start=tree(template), random=Random(0), limit=500, moments=[len(whole)])
    result = Result("power-cuts", stand.name, case.name, seed=0)
    _load_all(stand, case, last, result)
    return not result.misses


def recorded(stand: Stand, case: Case, template: Path, *options: str) -> list[Event]:
    """The events of one save, undisturbed but for what more options of strace do to it.

    Raises: CannotRecord.
    """
    root, log = copied(template), scratch() / "log"
    try:
        traced = ("-e", f"trace={','.join(known(TRACED))}")
        trace = Trace(stand.start(root, case, case.number), log, *OPTIONS, *traced, *options)
        outcome = stand.saver.ask("release")
        trace.ended()
        if not outcome["returned"]:
            raise CannotRecord(f"the save failed: {outcome['error']}")
        return events_of(log, root, tree(template))
    finally:
        shutil.rmtree(root)
        shutil.rmtree(log.parent)


def _load_all(stand: Stand, case: Case, found: Iterator[State], result: Result) -> None:
    cache: dict[Hashable, Hashable] = {}

    def load(state: State) -> Hashable:
        key = (tuple(sorted(state.files.items())), state.folders)
        if key not in cache:
            folder = scratch()
            state.write_to(folder)
            cache[key] = stand.found(folder, case)
            shutil.rmtree(folder)
        return cache[key]

    for state in found:
        judged = verdict(state, load)
        result.add(
            OUTCOMES[judged],
            miss=judged is not Verdict.SOUND,
            example=f"after {state.moment} events; {', '.join(f'{p} {len(d)} B' for p, d in state.files.items())}"[
                :300
            ],
        )
