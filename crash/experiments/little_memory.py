"""Saves and restores with hardly more memory than the values take: they work, or raise and leave all as it was."""

from __future__ import annotations

from collections.abc import Iterator

from crash.experiments.plan import Plan
from crash.formats.catalogue import OURS
from crash.results import EXAMPLES, Result
from crash.stand import Stand
from crash.worker_process import WorkerProcess

TRIALS, BATCH = 100, 20
CASES = {
    "memory as the system has it": {},
    "nothing set aside": {
        "MALLOC_ARENA_MAX": "1",
        "MALLOC_MMAP_THRESHOLD_": "65536",
        "MALLOC_TRIM_THRESHOLD_": "65536",
    },
}
"""glibc sets 64 MiB of address space aside for each thread, and keeps what was given back: a limit then means less."""


def run(stand: Stand, plan: Plan) -> Iterator[Result]:
    if stand.name != OURS:
        return
    for place, (case, environment) in enumerate(CASES.items()):
        result = Result("little-memory", stand.name, case, plan.seed)
        count = plan.count(TRIALS, stand.name, quick=4)
        with WorkerProcess(stand.name, environment) as worker:
            for first in range(0, count, BATCH):
                batch = min(BATCH, count - first)
                asked = {"seed": plan.seed + place, "first": first, "count": batch}
                found = worker.ask("little_memory", **asked, within_seconds=3600)
                result.counts.update(found["counts"])
                result.misses.update(found["misses"])
                result.examples += found["examples"][: max(0, EXAMPLES - len(result.examples))]
        yield result
