"""Manifests and files that somebody made to harm: each is refused by the right error, in a second and 64 MiB."""

from __future__ import annotations

from collections.abc import Iterator

from crash.experiments.plan import Plan
from crash.formats.catalogue import OURS
from crash.hostile import CORPORA
from crash.results import EXAMPLES, Result
from crash.stand import Stand


def run(stand: Stand, plan: Plan) -> Iterator[Result]:
    if stand.name != OURS:
        return
    for corpus in CORPORA:
        every = plan.count(1, stand.name, quick=10)
        found = stand.loader.ask("hostile", corpus=corpus, every=every, within_seconds=3600)
        result = Result("hostile", stand.name, corpus, plan.seed, notes=found["notes"])
        result.counts.update(found["counts"])
        result.misses.update(found["misses"])
        result.examples += found["examples"][:EXAMPLES]
        yield result
