"""Bits flipped, files cut, extended, overwritten: every loaded value must be what was saved, or loading must refuse."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple
from pathlib import Path
from random import Random
from typing import Any

from crash.damage import KINDS, Damage, every, files_of
from crash.experiments.plan import Plan
from crash.formats.catalogue import OURS
from crash.results import Result
from crash.stand import Case, Stand
from crash.tracing import scratch
from crash.worker_process import WorkerLost

CASE = Case("64 KB", "plain", "blocks", earlier=0)
LARGE_CASE = Case("64 MiB", "plain", "huge", earlier=0)
SMALL_CASE = Case("7 KB", "plain", "small", earlier=0)
BATCH = 2000
HUNG_AFTER_SECONDS = 180.0
"""A batch ends by itself after 60 s."""
FULL = {"bit": 10**9, "truncation": 10**9, "extension": 10**9, "zeroed page": 10**9}
PEERS = {"bit": 40_000, "truncation": 8_000}
DRAWN, DRAWN_PEERS, LARGE_DRAWN = 50_000, 2_000, 30_000


def run(stand: Stand, plan: Plan) -> Iterator[Result]:
    yield from _damaged(stand, SMALL_CASE if plan.quick else CASE, plan, KINDS, DRAWN)
    if stand.name == OURS and not plan.quick:
        yield from _damaged(stand, LARGE_CASE, plan, KINDS[3:], LARGE_DRAWN)


def _damaged(stand: Stand, case: Case, plan: Plan, kinds: Sequence[str], ours: int) -> Iterator[Result]:
    root, stale, progress = scratch(), scratch(), scratch() / "progress"
    try:
        stand.saver.ask("warm", way=case.way)
        if not (stand.save(root, case, 1)["returned"] and stand.save(stale, case, 2)["returned"]):
            raise RuntimeError(f"{stand.name} can't save at all")
        sizes = [file.stat().st_size for file in files_of(root)]
        for kind in kinds:
            name = kind if case is not LARGE_CASE else f"{kind}, 64 MiB"
            result, random = Result("damage", stand.name, name, plan.seed), Random(plan.seed + KINDS.index(kind))
            drawn = plan.count(ours, stand.name, quick=300, peers=DRAWN_PEERS)
            damages = list(every(kind, sizes, random, drawn))
            limit = plan.count(FULL.get(kind, ours), stand.name, quick=1500, peers=PEERS.get(kind, ours))
            if case is LARGE_CASE:
                limit = min(limit, ours)
            limit = limit if stand.about["warm"] else limit // 10
            result.notes.append(f"{len(damages)} of this kind on {sum(sizes):,} bytes in {len(sizes)} files")
            if len(damages) > limit:
                damages = random.sample(damages, limit)
            _try(stand, case, root, damages, result, {"progress": str(progress), "stale": str(stale)})
            yield result
    finally:
        for folder in (root, stale, progress.parent):
            shutil.rmtree(folder)


def _try(
    stand: Stand, case: Case, root: Path, damages: Sequence[Damage], result: Result, paths: Mapping[str, str]
) -> None:
    """Has the loader try all; a damage that kills it, or hangs it, is told and left out."""
    waiting = list(damages)
    sound = {file: file.read_bytes() for file in files_of(root)}
    slowest = 0.0
    while waiting:
        batch = waiting[:BATCH]
        asked = {"root": str(root), "way": case.way, "payload": case.payload, **paths}
        asked |= {"places_only": case is LARGE_CASE}
        try:
            found = stand.loader.ask(
                "damage", **asked, damages=[astuple(each) for each in batch], within_seconds=HUNG_AFTER_SECONDS
            )
        except WorkerLost as lost:
            guilty = int(Path(paths["progress"]).read_text())
            for file, data in sound.items():
                file.write_bytes(data)
            outcome = "loading hangs" if lost.signal is None else f"loading dies of signal {lost.signal}"
            result.add(outcome, miss=True, example=str(batch[guilty]))
            waiting = waiting[:guilty] + waiting[guilty + 1 :]
            continue
        _add(result, found)
        slowest = max(slowest, found["slowest_seconds"])
        waiting = waiting[found["tried"] :]
    result.notes.append(f"slowest load {slowest:.3f} s")


def _add(result: Result, found: dict[str, Any]) -> None:
    for outcome, count in found["counts"].items():
        if outcome == "no damage":
            continue
        result.counts[outcome] += count
        if outcome in ("wrong", "untyped"):
            result.misses[outcome] += count
    kept = [str(each) for each in found["examples"]]
    result.examples += kept[: max(0, 4 - len(result.examples))]
