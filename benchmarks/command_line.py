"""`python -m benchmarks`: choose, run, print, and keep as JSON."""

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks import campaign, report, threads
from benchmarks.drivers.catalogue import DRIVERS, OURS
from benchmarks.plan import Plan
from benchmarks.results import Report
from benchmarks.workloads.registry import LONG, WORKLOADS

_DEFAULT_PEERS = tuple(name for name, driver in DRIVERS.items() if name != OURS and not driver.on_request)
_QUICK_PEERS = tuple(name for name in _DEFAULT_PEERS if name != "pytorch-compile")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run; the status is 1 where Dovetail failed or strayed from float64, and 0 even when it was slower."""
    options = parser().parse_args(arguments)
    plan = make_plan(options)
    threads.pin()
    with tempfile.TemporaryDirectory(prefix="dovetail-benchmarks-", ignore_cleanup_errors=True) as scratch:
        found = campaign.run(plan, Path(scratch), lambda line: print(line, file=sys.stderr, flush=True))
    print(report.render_report(found))
    if options.json:
        options.json.write_text(json.dumps(found.to_json(), indent=1), "utf-8")
    return status(found)


def make_plan(options: argparse.Namespace) -> Plan:
    """The plan that the options ask for."""
    quick: bool = options.quick
    workloads = options.workloads or [name for name in WORKLOADS if not (quick and name in LONG)]
    peers = options.peers if options.peers is not None else _QUICK_PEERS if quick else _DEFAULT_PEERS
    drivers = (OURS, *(name for name in peers if name != OURS))
    plan = Plan(tuple(workloads), drivers, curve_steps=options.curve_steps)
    if not quick:
        return plan
    notes = ("--quick: torch.compile, resnet18 and the first call of gpt, unless asked for; few, short turns",)
    return replace(plan, rounds=2, turn_seconds=0.12, settle_seconds=0.05, notes=notes)


def status(found: Report) -> int:
    """The exit status of a run."""
    ours_failed = any(result.drivers[OURS].failed for result in found.workloads)
    return int(ours_failed or bool(report.disagreements(found)))


def parser() -> argparse.ArgumentParser:
    """What the command line understands."""
    options = argparse.ArgumentParser(prog="python -m benchmarks", description="Time Dovetail beside its peers.")
    options.add_argument("--workloads", nargs="+", choices=WORKLOADS, metavar="NAME", help=f"of {', '.join(WORKLOADS)}")
    others = [name for name in DRIVERS if name != OURS]
    options.add_argument("--peers", nargs="*", choices=others, metavar="NAME", help=f"of {', '.join(others)}")
    options.add_argument("--quick", action="store_true", help="about three minutes: for a look, not for a claim")
    options.add_argument("--curve-steps", type=int, metavar="N", help="compare N losses in every training workload")
    options.add_argument("--json", type=Path, metavar="FILE", help="write everything, every sample included")
    return options
