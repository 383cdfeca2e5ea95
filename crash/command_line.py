"""`python -m crash`: choose, run, print, and keep as JSON."""

from __future__ import annotations

import argparse
import json
import logging
import os
import platform
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from crash import report
from crash.experiments.plan import Plan
from crash.experiments.registry import EXPERIMENTS
from crash.formats.catalogue import FORMATS, OURS
from crash.results import Result
from crash.stand import Stand
from crash.worker_process import FormatMissing


def main(arguments: Sequence[str] | None = None) -> int:
    """Run; the status is 1 where Dovetail missed something, and 0 whatever the others did."""
    options = parser().parse_args(arguments)
    if options.folder:
        os.environ["DOVETAIL_CRASH_DIR"] = str(options.folder)
    logging.disable(logging.WARNING)  # trials leave what later ones collect, and log
    plan = Plan(seed=options.seed, quick=options.quick, inputs=options.inputs, kills=options.kills)
    results: list[Result] = []
    formats: dict[str, dict[str, Any]] = {}
    for name in options.formats:
        try:
            with Stand(name) as stand:
                formats[name] = stand.about
                for experiment in options.only:
                    results += _run(stand, experiment, plan)
        except FormatMissing as error:
            formats[name] = {"missing": str(error)}
    print(report.render(results, formats))
    if options.json:
        found: dict[str, Any] = {"machine": _machine(), "options": sys.argv[1:], "formats": formats}
        found["results"] = [result.to_json() for result in results]
        options.json.write_text(json.dumps(found, indent=1), "utf-8")
    return int(any(result.misses or result.leftovers for result in results if result.format == OURS))


def _run(stand: Stand, experiment: str, plan: Plan) -> list[Result]:
    results = []
    started = time.monotonic()
    for result in EXPERIMENTS[experiment](stand, plan):
        result.seconds = time.monotonic() - started
        results.append(result)
        missed = ", ".join(f"{count} {what}" for what, count in result.misses.items()) or "no misses"
        line = f"{result.format}: {result.experiment}, {result.case}: {result.trials} trials, {missed}"
        print(f"{line}, {result.seconds:.0f} s" if not result.skipped else result.skipped, file=sys.stderr, flush=True)
        started = time.monotonic()
    return results


def _machine() -> dict[str, str]:
    return {"python": platform.python_version(), "system": platform.platform(), "processors": str(os.cpu_count())}


def parser() -> argparse.ArgumentParser:
    """What the command line understands."""
    options = argparse.ArgumentParser(
        prog="python -m crash", description="What checkpoint formats lose when processes die, disks fail, bytes change."
    )
    add = options.add_argument
    add("--quick", action="store_true", help="a few trials of everything: for a look, not for a claim")
    add(
        "--only", nargs="+", choices=EXPERIMENTS, default=list(EXPERIMENTS), metavar="EXPERIMENT", help=_of(EXPERIMENTS)
    )
    add("--formats", nargs="+", choices=FORMATS, default=list(FORMATS), metavar="FORMAT", help=_of(FORMATS))
    add("--seed", type=int, default=0, metavar="N", help="what is drawn is drawn by it (default: 0)")
    add("--inputs", type=int, metavar="N", help="fuzz with so many manifests, and so many headers")
    add("--kills", type=int, metavar="N", help="so many random-kills in all, and a tenth as many sharded-kills")
    add("--folder", type=Path, metavar="FOLDER", help="where the trials are made, to choose a disk")
    add("--json", type=Path, metavar="FILE", help="write everything")
    return options


def _of(names: Any) -> str:
    return f"of {', '.join(names)}"
