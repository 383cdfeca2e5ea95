"""The same values, saved by processes that hash differently: the same bytes?"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from random import Random

from crash.experiments.plan import Plan
from crash.recording import tree
from crash.results import Result
from crash.stand import Case, Stand
from crash.tracing import scratch
from crash.worker_process import WorkerProcess

CASE = Case("fresh processes", "plain", "small", earlier=0)


def run(stand: Stand, plan: Plan) -> Iterator[Result]:
    result, random = Result("digests", stand.name, CASE.name, plan.seed), Random(plan.seed)
    found: set[str] = set()
    for _ in range(plan.count(100, stand.name, quick=4, peers=20)):
        seed = str(random.randrange(1 << 32))
        root = scratch()
        with WorkerProcess(stand.name, {"PYTHONHASHSEED": seed}) as worker:
            worker.ask("save", root=str(root), way=CASE.way, number=1, payload=CASE.payload, seed=1)
        found.add(digest_of(root))
        shutil.rmtree(root)
        result.add("saved")
    result.notes.append(f"{len(found)} different digests")
    if len(found) > 1:
        result.misses["other bytes for the same values"] = len(found) - 1
    yield result


def digest_of(root: Path) -> str:
    """Of all names and contents below a folder."""
    return sha256(repr(sorted(tree(root).items())).encode()).hexdigest()
