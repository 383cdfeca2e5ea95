"""Several processes save in one place while others load: whatever is loaded must be one of the saves, whole.

A format that refuses a second writer is asked again until each has made its saves; meanwhile no two may be unfinished.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from crash.experiments.plan import Plan
from crash.formats.catalogue import OURS
from crash.results import EXAMPLES, Result
from crash.stand import Stand
from crash.tracing import scratch
from crash.worker_process import WorkerLost, WorkerProcess

OURS_TAKE_PART, PEERS_TAKE_PART = (8, 16), (2, 2)
"""Writers and readers."""


def run(stand: Stand, plan: Plan) -> Iterator[Result]:
    writers, readers = OURS_TAKE_PART if stand.name == OURS else PEERS_TAKE_PART
    if plan.quick:
        writers, readers = 2, 2
    for way in (way for way in ("steps", "plain") if way in stand.about["ways"]):
        result = Result("writers", stand.name, f"{writers} writers, {readers} readers, {way}", plan.seed)
        saves = plan.count(1000, stand.name, quick=10, peers=100)
        root = scratch()
        workers = [WorkerProcess(stand.name) for _ in range(writers + readers)]
        try:
            _together(workers[:writers], workers[writers:], root, way, saves, result)
            final = workers[writers].ask("load_one", root=str(root), way=way)
            outcome = final if isinstance(final, str) else "nothing loads"
            result.add(f"at the end: {outcome}", miss=outcome != "whole", example=str(final))
        finally:
            for worker in workers:
                worker.close()
            shutil.rmtree(root)
        yield result


def _together(
    writers: list[WorkerProcess], readers: list[WorkerProcess], root: Path, way: str, saves: int, result: Result
) -> None:
    place = {"root": str(root), "way": way}
    with ThreadPoolExecutor(len(writers) + len(readers) + 1) as threads:
        watching = threads.submit(_most_unfinished, root)
        reading = [threads.submit(_asked, reader, "load_many", stop=str(root / ".stop"), **place) for reader in readers]
        writing = [
            threads.submit(_asked, writer, "save_many", first=number, stride=len(writers), count=saves, **place)
            for number, writer in enumerate(writers, start=1)
        ]
        ours = result.format == OURS
        for future in writing:
            _add(result, "save", future.result(), {"returned", "busy, tried again" if ours else "refused"})
        (root / ".stop").touch()
        most = watching.result()
        if ours and most > 1:
            result.misses[f"{most} saves unfinished at once"] += 1
        for future in reading:
            _add(result, "load", future.result(), {"whole", "nothing yet"})
        (root / ".stop").unlink()


def _most_unfinished(root: Path) -> int:
    """How many saves of ours were under way at most, by what they write to before it is in place."""
    most = 0
    while not (root / ".stop").exists():
        most = max(most, sum(name.startswith(".tmp-") for name in os.listdir(root)))
        time.sleep(0.002)
    return most


def _asked(worker: WorkerProcess, job: str, **arguments: object) -> dict[str, Any]:
    try:
        found: dict[str, Any] = worker.ask(job, within_seconds=3600.0, **arguments)
    except WorkerLost as lost:
        found = {"counts": {f"died of signal {lost.signal}": 1}, "texts": {}}
    return found


def _add(result: Result, what: str, found: dict[str, Any], good: set[str]) -> None:
    for outcome, count in found["counts"].items():
        result.counts[f"{what} {outcome}"] += count
        if outcome not in good:
            result.misses[f"{what} {outcome}"] += count
            if outcome in found["texts"] and len(result.examples) < EXAMPLES:
                result.examples.append(f"{what} {outcome}: {found['texts'][outcome]}")
