"""Saves and restores with hardly more memory than the values take: they work, or raise and leave all as it was."""

from __future__ import annotations

from collections.abc import Iterator

from crash.experiments.plan import Plan
from crash.formats.catalogue import OURS
from crash.results import EXAMPLES, Result
from crash.stand import Stand

TRIALS, BATCH = 200, 20


def run(stand: Stand, plan: Plan) -> Iterator[Result]:
    if stand.name != OURS:
        return
    result = Result("little-memory", stand.name, "RLIMIT_AS", plan.seed)
    count = plan.count(TRIALS, stand.name, quick=8)
    for first in range(0, count, BATCH):
        batch = min(BATCH, count - first)
        found = stand.saver.ask("little_memory", seed=plan.seed, first=first, count=batch, within_seconds=3600)
        result.counts.update(found["counts"])
        result.misses.update(found["misses"])
        result.examples += found["examples"][: max(0, EXAMPLES - len(result.examples))]
    yield result
