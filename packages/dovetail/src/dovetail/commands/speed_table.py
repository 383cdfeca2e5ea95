"""A report of `dovetail bench-kernel` as a table on the terminal, and what its other forms share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dovetail_conformance.speed import bytes_text, seconds_text

from .table import table

Report = Mapping[str, Any]
HOW_TOLD = "median time of a call ± half the distance of the quartiles"


def table_of(report: Report) -> str:
    """The title, a row for each call, and below why times are missing."""
    timed = table(*columns(report["calls"], report["package"]))
    lines = [f"{title(report)}: {HOW_TOLD}", "", timed]
    lines += ["", "The machine's limits, measured in the same run:", *(f"  {text}" for text in limits_of(report))]
    missing = gaps(report)
    lines += ["", "Not timed:", *(f"  {text}" for text in missing)] if missing else []
    return "\n".join(lines)


def columns(calls: Sequence[Mapping[str, Any]], package: str) -> tuple[tuple[str, ...], list[list[str]]]:
    """Titles, and a row for each call: its operands, everybody's time, and the machine's least."""
    report = {"calls": calls, "package": package}
    names = competitors(report)
    limits = ["copy of its bytes", "its arithmetic"] if has_arithmetic(report) else ["copy of its bytes"]
    return ("operands", "read and written", *names, *limits), [_row(call, names, report) for call in calls]


def title(report: Report) -> str:
    attributes = "".join(f", {name}={value}" for name, value in report["attributes"].items())
    return f"{report['operation']} in {report['dtype']}{attributes}, by {report['package']}"


def competitors(report: Report) -> list[str]:
    """Every one that was timed at all, the package first."""
    names = dict.fromkeys(name for call in report["calls"] for name in call["seconds"])
    return sorted(names, key=lambda name: name != report["package"])


def has_arithmetic(report: Report) -> bool:
    """Whether it is known how much arithmetic the operation needs."""
    return any(call["operations"] is not None for call in report["calls"])


def limits_of(report: Report) -> list[str]:
    """How the limits that the report uses were measured."""
    told = report["environment"]["limits"]
    return [f"{name}: {told[name]}" for name in ("copy", *(["arithmetic"] if has_arithmetic(report) else []))]


def gaps(report: Report) -> list[str]:
    """Why competitors have no time: one line for each reason, with the calls that it holds for."""
    found: dict[tuple[str, str], list[str]] = {}
    for call in report["calls"]:
        for kind, told in (("wrong: ", call["faults"]), ("", call["refusals"])):
            for name, reason in told.items():
                found.setdefault((name, f"{kind}{reason}"), []).append(call["label"])
    every = len(report["calls"])
    return [
        f"{name}, {'every call' if len(labels) == every else 'on ' + '; '.join(labels)}: {reason}"
        for (name, reason), labels in found.items()
    ]


def _row(call: Mapping[str, Any], names: Sequence[str], report: Report) -> list[str]:
    times = [_time(call["seconds"].get(name)) for name in names]
    limits = [seconds_text(call["machine_copy_seconds"])]
    if has_arithmetic(report):
        arithmetic = call["machine_arithmetic_seconds"]
        limits.append("–" if arithmetic is None else seconds_text(arithmetic))
    return [call["label"], bytes_text(call["bytes"]), *times, *limits]


def _time(timing: Mapping[str, float] | None) -> str:
    if timing is None:
        return "–"
    spread = (timing["upper_quartile"] - timing["lower_quartile"]) / 2 / timing["median"]
    return f"{seconds_text(timing['median'])} ± {spread:.0%}"
