"""`python -m benchmarks`: choose, run, print, and keep as JSON."""

import argparse
import fnmatch
import itertools
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks import campaign, disk, environment, machine, report, threads
from benchmarks.drivers.catalogue import DRIVERS, LIMIT, OURS
from benchmarks.plan import Plan
from benchmarks.results import Report
from benchmarks.verdicts import verdicts
from benchmarks.workloads.registry import LONG, WORKLOADS

_PEERS = tuple(name for name in DRIVERS if name not in (OURS, LIMIT))
_DEFAULT_PEERS = tuple(name for name in _PEERS if not DRIVERS[name].on_request)
_QUICK_CURVE_STEPS = 5
_QUICK_PEERS = tuple(name for name in _DEFAULT_PEERS if name != "pytorch-compile")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run; the status is 1 where Dovetail failed or strayed from float64, and 0 even when it was slower."""
    options = parser().parse_args(arguments)
    plan = make_plan(options)
    threads.pin()
    if not options.system_allocator:
        environment.keep_freed_memory()
    place = options.disk or disk.default_folder()
    with tempfile.TemporaryDirectory(prefix="dovetail-benchmarks-", dir=place, ignore_cleanup_errors=True) as scratch:
        found = campaign.run(plan, Path(scratch), lambda line: print(line, file=sys.stderr, flush=True))
    print(report.render_report(found))
    if options.json:
        options.json.write_text(json.dumps(to_json(found), indent=1), "utf-8")
    return status(found)


def make_plan(options: argparse.Namespace) -> Plan:
    """The plan that the options ask for."""
    quick: bool = options.quick
    asked = dict.fromkeys(itertools.chain(*options.workloads or ()))
    workloads = asked or [name for name in WORKLOADS if not (quick and name in LONG)]
    peers = options.peers if options.peers is not None else _QUICK_PEERS if quick else _DEFAULT_PEERS
    limit = (LIMIT,) if machine.has_native_loops() else ()
    plan = Plan(tuple(workloads), (OURS, *peers, *limit), curve_steps=options.curve_steps)
    if not quick:
        return plan
    notes = (
        "--quick: torch.compile, resnet18 and most of the many tensors, unless asked for; few, short turns and losses",
    )
    return replace(
        plan,
        rounds=2,
        start_rounds=1,
        turn_seconds=0.12,
        settle_seconds=0.05,
        checkpoint_rounds=3,
        checkpoint_bytes=64 << 20,
        curve_steps=options.curve_steps or _QUICK_CURVE_STEPS,
        notes=notes,
    )


def matching(pattern: str) -> list[str]:
    """The workloads that a name or a pattern such as "sgemm_*" stands for.

    Raises:
        argparse.ArgumentTypeError: There is none.
    """
    found = fnmatch.filter(WORKLOADS, pattern)
    if not found:
        raise argparse.ArgumentTypeError(f"no workload is called {pattern}; there are {', '.join(WORKLOADS)}")
    return found


def to_json(found: Report) -> dict[str, Any]:
    """Everything, every sample included, and the verdicts."""
    return {**found.to_json(), "verdicts": [verdict.to_json() for verdict in verdicts(found.workloads)]}


def status(found: Report) -> int:
    """The exit status of a run."""
    ours_failed = any(result.drivers[OURS].failed for result in found.workloads)
    return int(ours_failed or bool(report.disagreements(found)))


def parser() -> argparse.ArgumentParser:
    """What the command line understands."""
    options = argparse.ArgumentParser(prog="python -m benchmarks", description="Time Dovetail beside its peers.")
    workloads = f"of {', '.join(WORKLOADS)}; patterns such as 'sgemm_*' too"
    options.add_argument("--workloads", nargs="+", type=matching, metavar="NAME", help=workloads)
    options.add_argument("--peers", nargs="*", choices=_PEERS, metavar="NAME", help=f"of {', '.join(_PEERS)}")
    options.add_argument("--quick", action="store_true", help="about four minutes: for a look, not for a claim")
    allocator = "leave the C library's allocator as it is: freed arrays go back to the system and are paid for again"
    options.add_argument("--system-allocator", action="store_true", help=allocator)
    options.add_argument("--curve-steps", type=int, metavar="N", help="compare N losses in every training workload")
    where = "a folder on the disk to save checkpoints to; by default a temporary one that isn't in memory"
    options.add_argument("--disk", type=Path, metavar="FOLDER", help=where)
    options.add_argument("--json", type=Path, metavar="FILE", help="write everything, every sample included")
    return options
