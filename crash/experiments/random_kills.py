"""A save of 4 MiB is killed at a random moment."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from random import Random
from statistics import median

from crash.experiments.kills import after_the_end
from crash.experiments.plan import Plan
from crash.results import Result
from crash.stand import Stand, copied

CASES = ("over an old one", "several shards", "several steps", "in the background")


def run(stand: Stand, plan: Plan) -> Iterator[Result]:
    cases = [case for case in stand.cases() if case.name in CASES]
    for place, each in enumerate(cases):
        case = replace(each, payload="large")
        result, random = Result("random-kills", stand.name, case.name, plan.seed), Random(plan.seed + place)
        template = stand.template(case)
        try:
            seconds = []
            for _ in range(5):
                root = copied(template)
                seconds.append(stand.save(root, case, case.number)["seconds"])
                shutil.rmtree(root)
            usual = plan.count(250, stand.name, quick=20, peers=100)
            for _ in range(usual if plan.kills is None else -(-plan.kills // len(cases))):
                moment = random.uniform(0, 1.3 * median(seconds))
                root = copied(template)
                stand.start(root, case, case.number)
                outcome = stand.saver.ask("release", kill_after_seconds=moment)
                after_the_end(stand, case, root, result, outcome, f"killed after {moment * 1e3:.2f} ms")
                shutil.rmtree(root)
        finally:
            shutil.rmtree(template)
        yield result
