"""A save is killed before each of its calls that change files: afterwards the old one or the new one is whole."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

from crash.experiments.plan import Plan
from crash.results import Result
from crash.stand import Case, Stand, copied, judged, leftovers
from crash.tracing import CHANGING, Trace, count_calls, kill_before, known, scratch, why_not


def run(stand: Stand, plan: Plan) -> Iterator[Result]:
    for case in stand.cases():
        result = Result("kills", stand.name, case.name, plan.seed)
        if reason := why_not():
            result.skipped = reason
            yield result
            continue
        _kill_everywhere(stand, case, plan, result)
        yield result


def _kill_everywhere(stand: Stand, case: Case, plan: Plan, result: Result) -> None:
    template, log = stand.template(case), scratch() / "log"
    try:
        calls = calls_of_a_save(stand, case, template, log)
        result.notes.append(f"{len(calls)} calls")
        rounds = plan.count(4, stand.name, quick=1, peers=2)
        chosen = calls * rounds
        limit = plan.count(len(chosen), stand.name, quick=40, peers=400)
        if len(chosen) > limit:
            chosen = Random(plan.seed).sample(chosen, limit)
        for name, which in chosen:
            root = copied(template)
            one_kill(stand, case, root, result, (name, which), log)
            shutil.rmtree(root)
    finally:
        shutil.rmtree(template)
        shutil.rmtree(log.parent)


def calls_of_a_save(stand: Stand, case: Case, template: Path, log: Path) -> list[tuple[str, int]]:
    """Every call that an undisturbed save makes: its name, and which of that name in its thread it is."""
    root = copied(template)
    trace = Trace(stand.start(root, case, case.number), log, "-e", f"trace={','.join(known(CHANGING))}")
    stand.saver.ask("release")
    trace.ended()
    shutil.rmtree(root)
    return [(name, which + 1) for name, count in sorted(count_calls(log).items()) for which in range(count)]


def one_kill(stand: Stand, case: Case, root: Path, result: Result, call: tuple[str, int], log: Path) -> None:
    """One save that is killed, judged, and followed by one that isn't."""
    trace = Trace(stand.start(root, case, case.number), log, *kill_before(*call))
    outcome = stand.saver.ask("release")
    trace.ended()
    if not outcome["signal"]:
        result.notes.append("some calls were not reached in every save")  # threads share the work differently each time
        return
    after_the_end(stand, case, root, result, outcome, f"killed before {call[0]} {call[1]}")


def after_the_end(stand: Stand, case: Case, root: Path, result: Result, outcome: dict[str, Any], what: str) -> None:
    """Judges what is there, then whether the next save succeeds and clears away what was left."""
    what_became, miss = judged(case, outcome, stand.found(root, case))
    after = stand.save(root, case, case.number + 1)
    if not miss and (not after["returned"] or stand.found(root, case) != case.number + 1):
        what_became, miss = "next save fails", True
        what += f": {(after['error'] or {}).get('text', '')[:200]}"
    result.add(what_became, miss=miss, example=what)
    if left := leftovers(root):
        result.leftovers += 1
        result.leftover = result.leftover or f"{what}: {', '.join(left)}"[:200]
