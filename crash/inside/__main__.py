"""`python -m crash.inside`, from the root of the repository: every state that it can try of what a power cut leaves.

Options: `--limit N`, outcomes of a moment that are tried at most (20,000), and `--seed N`.
"""

from __future__ import annotations

import argparse
import logging
import sys
import time
from collections import Counter
from functools import partial

from crash.inside import programs, sharded
from crash.inside.mutants import MUTANTS, Mutant
from crash.inside.power_cuts import judge
from crash.inside.workloads import NAMES, workloads
from dovetail_conformance.power_cut import JOURNALED, POSIX

DISKS = (
    ("any disk, blocks of 4,096 bytes", POSIX, 4096),
    ("any disk, blocks of 512 bytes", POSIX, 512),
    ("journaled disk", JOURNALED, 512),
)


def main() -> int:
    """0 where every state is sound and every mutant exposed."""
    parser = argparse.ArgumentParser(prog="python -m crash.inside", description=__doc__)
    parser.add_argument("--limit", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    logging.disable(logging.WARNING)
    total: Counter[str] = Counter()
    print(f"seed {options.seed}, at most {options.limit:,} outcomes of a moment")
    makers = {name: partial(workloads, name) for name in NAMES} | {programs.NAME: programs.programs}
    for name, make in (makers | {sharded.NAME: sharded.sharded}).items():
        for disk, rules, block_bytes in DISKS:
            started = time.perf_counter()
            counts: Counter[str] = Counter()
            loads = carried_on = 0
            for workload in make():
                limit = options.limit // 4 if workload.first_moment else options.limit
                outcome = judge(workload, limit, options.seed, rules, block_bytes)
                counts += outcome.counts
                loads, carried_on = loads + outcome.loads, carried_on + outcome.carried_on
                for kind, example in outcome.examples.items():
                    print(f"    {kind}: {example}")
            total += counts
            seconds = time.perf_counter() - started
            print(f"{name}, {disk}: {_said(counts)}; {loads} loads, {carried_on} saves after; {seconds:.0f} s")
    print(f"in all {total.total():,} states: {_said(total)}")
    missed = [mutant.name for mutant in MUTANTS if not _is_exposed(mutant, options.seed)]
    print(f"{len(MUTANTS)} commits with one step wrong: {len(MUTANTS) - len(missed)} exposed", *missed, sep="\n    ")
    return 0 if set(total) == {"sound"} and not missed else 1


def _is_exposed(mutant: Mutant, seed: int) -> bool:
    return any(outcome.counts[kind] for outcome in mutant.outcomes(300, seed) for kind in mutant.as_)


def _said(counts: Counter[str]) -> str:
    return ", ".join(f"{count:,} {kind}" for kind, count in counts.most_common())


sys.exit(main())
