"""Prove a plug-in: run the conformance kit's suites for every role that it plays."""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from dovetail_protocols.errors import DovetailError, PluginError

from .table import table

if TYPE_CHECKING:
    from dovetail_conformance import Report

SHOWN_LINES = 12
"""How much of a failure is shown; the JSON report has more."""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", help="the name of its entry points, as in `dovetail doctor`")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write a report for machines")
    parser.add_argument("--limits", type=Path, metavar="FILE", help="what is known to fail, and why: conformance.toml")
    parser.add_argument("--cases", metavar="MODULE:ATTRIBUTE", help="calls of operations of its own, by their names")
    parser.add_argument("--speed", action="store_true", help="time each kernel beside the others, level L6")
    parser.add_argument(
        "-k", dest="keyword", metavar="EXPRESSION", help="only tests that match, as pytest selects them"
    )


def run(options: argparse.Namespace) -> int:
    """0 where the plug-in conforms, 1 where tests failed, 2 where it can't be proved at all."""
    try:
        report = _prove(options)
    except DovetailError as error:
        print(f"dovetail conformance: {error}", file=sys.stderr)
        return 2
    _show(report)
    if options.json is not None:
        options.json.write_text(json.dumps(report.as_json(), indent=1) + "\n", encoding="utf-8")
    return 0 if report.conforms else 1


def _prove(options: argparse.Namespace) -> Report:
    """Raises: PluginError where the kit is missing; what `prove` raises."""
    if importlib.util.find_spec("dovetail_conformance") is None:
        raise PluginError(
            "the conformance kit is not installed",
            fix=f"{Path(sys.executable).name} -m pip install dovetail-conformance",
        )
    from dovetail_conformance import prove

    return prove(
        options.name,
        cases=options.cases,
        limits=options.limits,
        keyword=options.keyword,
        measure_speed=options.speed,
    )


def _show(report: Report) -> None:
    rows = report.summary()
    titles = ("role", "level", *(rows[0][2] if rows else ()))
    print(f"{report.name}: " + ", ".join(f"{name} {version}" for name, version in report.distributions.items()))
    print(f"case bank {report.case_bank}\n")
    print(table(titles, [(role, level or "-", *map(str, counts.values())) for role, level, counts in rows]))
    if report.measured:
        print(f"\n{_speed(report)}")
    if report.untried:
        print(f"\nnot tried, for there is no suite: {', '.join(report.untried)}")
    for verdict in report.failures:
        print(f"\nFAILED {verdict.role} {verdict.test}\n{_shortened(verdict.reason)}")
    if report.broken:
        print(f"\nBROKEN OFF\n{_shortened(report.broken)}")
    print(f"\n{report.name} " + ("conforms" if report.conforms else "does not conform"))


def _speed(report: Report) -> str:
    """A line for each kernel in each dtype that was timed."""
    from .speed_table import HOW_TOLD, columns

    titles, rows = columns([test.speed for test in report.measured if test.speed is not None], report.name)
    kernels = [test.test.partition("[")[2].removesuffix("]") for test in report.measured]
    timed = table(("kernel", *titles), [(kernel, *row) for kernel, row in zip(kernels, rows, strict=True)])
    return f"{HOW_TOLD}\n\n{timed}"


def _shortened(text: str) -> str:
    """The beginning of what a test told; of a traceback of pytest's the end, where the exception stands."""
    lines = text.splitlines()
    left = len(lines) - SHOWN_LINES
    if left > 0 and any(line.startswith("E   ") for line in lines):
        lines = [f"… {left} lines before", *lines[-SHOWN_LINES:]]
    elif left > 0:
        lines = [*lines[:SHOWN_LINES], f"… {left} more lines"]
    return "\n".join(f"    {line}" for line in lines)
