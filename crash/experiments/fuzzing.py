"""Manifests and headers that are nearly right: only a CheckpointError may come out, and no other values than the
safetensors library reads."""

from __future__ import annotations

import time
from collections.abc import Iterator

from crash.experiments.plan import Plan
from crash.formats.catalogue import OURS
from crash.results import EXAMPLES, Result
from crash.stand import Stand
from crash.worker_process import WorkerLost

BATCH = 20_000


def run(stand: Stand, plan: Plan) -> Iterator[Result]:
    if stand.name != OURS:
        return  # the parsers are ours; the library of safetensors takes part as what headers are compared with
    for target in ("manifests", "headers"):
        result = Result("fuzz", stand.name, target, plan.seed)
        count = plan.inputs or plan.count(500_000, stand.name, quick=3_000)
        slowest, started = 0.0, time.monotonic()
        for first in range(0, count, BATCH):
            batch = min(BATCH, count - first)
            try:
                found = stand.loader.ask(f"fuzz_{target}", seed=plan.seed, first=first, count=batch, within_seconds=600)
            except WorkerLost as lost:
                result.add("the process died or hung", miss=True, example=f"inputs from {first}, signal {lost.signal}")
                continue
            result.counts.update(found["counts"])
            result.misses.update(found["misses"])
            result.examples += found["examples"][: max(0, EXAMPLES - len(result.examples))]
            slowest = max(slowest, found["slowest_seconds"])
        speed = count / max(time.monotonic() - started, 1e-9)
        result.notes.append(f"slowest {slowest * 1e3:.1f} ms; {speed:,.0f} inputs a second")
        yield result
