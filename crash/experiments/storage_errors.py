"""One call of a save gives an error: the save must say so, unless it can do without, and must not claim success."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

from crash.experiments.kills import calls_of_a_save
from crash.experiments.plan import Plan
from crash.experiments.power_cuts import recorded, survives
from crash.recording import CannotRecord
from crash.results import Result
from crash.stand import Case, Stand, copied, judged
from crash.tracing import ALIKE, FAILING, Trace, fail, injected, scratch, why_not

_ERRORS = {name: (kind, errors) for kind, errors in FAILING.items() for name in ALIKE[kind]}


def run(stand: Stand, plan: Plan) -> Iterator[Result]:
    for case in stand.cases():
        result = Result("storage-errors", stand.name, case.name, plan.seed)
        if reason := why_not():
            result.skipped = reason
            yield result
            continue
        template, log = stand.template(case), scratch() / "log"
        try:
            calls = calls_of_a_save(stand, case, template, log)
            tried = [(*call, error) for call in calls if call[0] in _ERRORS for error in _ERRORS[call[0]][1]]
            tried *= plan.count(4, stand.name, quick=1, peers=1)
            limit = plan.count(len(tried), stand.name, quick=40, peers=400)
            for each in tried if len(tried) <= limit else Random(plan.seed).sample(tried, limit):
                root = copied(template)
                _one_error(stand, case, root, template, result, each, log)
                shutil.rmtree(root)
        finally:
            shutil.rmtree(template)
            shutil.rmtree(log.parent)
        yield result


def _one_error(
    stand: Stand, case: Case, root: Path, template: Path, result: Result, tried: tuple[str, int, str], log: Path
) -> None:
    name, which, error = tried
    what = f"{name} {which} gave {error}"
    trace = Trace(stand.start(root, case, case.number), log, *fail(name, which, error))
    outcome = stand.saver.ask("release")
    trace.ended()
    if b"(INJECTED)" not in log.read_bytes():
        result.notes.append("some calls were not reached in every save")  # threads share the work differently each time
        return
    found = stand.found(root, case)
    sync_failed = _ERRORS[name][0] == "fsync" and error != "EINTR"
    if outcome["returned"] and found == case.number and sync_failed:
        _judge_success(stand, case, template, result, tried, what)
    else:
        judge_failure(result, case, outcome, found, what)


def _judge_success(
    stand: Stand, case: Case, template: Path, result: Result, tried: tuple[str, int, str], what: str
) -> None:
    """Adds what a save is worth that returned though a sync had failed: it must survive a power cut without it, as
    where an older checkpoint was removed after the new one was durable."""
    try:
        is_durable = survives(stand, case, template, recorded(stand, case, template, *injected(*tried)))
    except CannotRecord as error:
        result.add("returned, though a sync failed", miss=True, example=f"{what}; {error}")
        return
    if is_durable:
        result.add("durable without the sync that failed")
    else:
        result.add("returned, but not durable, for a sync failed", miss=True, example=what)


def judge_failure(result: Result, case: Case, outcome: dict[str, Any], found: int | str | None, what: str) -> None:
    """Adds what became of a save whose storage failed."""
    if outcome["returned"]:
        what_became, miss = judged(case, outcome, found)
        result.add(what_became, miss=miss, example=what)
    elif outcome["signal"] or outcome["hung"]:
        result.add("died or hung", miss=True, example=what)
    elif not outcome["error"]["expected"]:
        error = outcome["error"]
        result.add("an error of another kind", miss=True, example=f"{what}: {error['kind']}: {error['text'][:150]}")
    elif found == "other values":
        result.add("raised, wrong values loaded", miss=True, example=what)
    elif found is None and case.earlier:
        result.add("raised, old one lost", miss=True, example=what)
    else:
        result.add("raised, old or new one whole")
        result.errors[outcome["error"]["kind"]] += 1
