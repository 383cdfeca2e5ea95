"""A report of `dovetail bench-kernel` as one page: charts, a table, and how it was measured. It loads nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from dovetail_conformance.speed import bytes_text, rate_text, seconds_text

from .speed_chart import Line, Point, chart
from .speed_style import STYLE
from .speed_table import Report, competitors, gaps, has_arithmetic, limits_of, title

LIMIT = "machine's limit"


def write(report: Report, path: Path) -> None:
    """Writes the page."""
    path.write_text(page(report), encoding="utf-8")


def page(report: Report) -> str:
    """The page's HTML."""
    shown = f"<code>{escape(report['operation'])}</code> in {escape(report['dtype'])}"
    body = [
        f"<h1>{shown}, by {escape(report['package'])}</h1>",
        f'<p class="soft">{escape(_attributes(report))}</p>' if report["attributes"] else "",
        f'<p class="lead">{escape(summary(report))}</p>',
        "<h2>Throughput</h2>",
        _figure(_throughput(report), "Higher is faster. " + _limit_text(report)),
        "<h2>Time of a call</h2>",
        _figure(_times(report), "Lower is faster. Bars at the marks reach from the lower to the upper quartile."),
        "<h2>Figures</h2>",
        _table(report),
        *_gaps(report),
        "<h2>How it was measured</h2>",
        *_method(report),
    ]
    head = '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
    return (
        f'<!doctype html>\n<html lang="en">\n<head>{head}\n<title>{escape(title(report))}</title>\n'
        f"<style>{STYLE}</style></head>\n<body>\n" + "\n".join(filter(None, body)) + "\n</body>\n</html>\n"
    )


def summary(report: Report) -> str:
    """In a sentence or two: where the package is the fastest, and how far it is from the machine's limit at best."""
    package = report["package"]
    timed = [call for call in report["calls"] if package in call["seconds"]]
    if not timed:
        return f"{package} has no time in this report; the reasons stand below the table."
    others = [call for call in timed if len(call["seconds"]) > 1]
    fastest = [call for call in others if min(call["seconds"], key=lambda n: call["seconds"][n]["median"]) == package]
    shares = [(_limit(call) / call["seconds"][package]["median"], call) for call in timed]
    share, at = max(shares, key=lambda pair: pair[0])
    told = f"{package} is the fastest on {len(fastest)} of the {len(others)} sizes that others run too. "
    return f"{told if others else ''}On {at['label']} it reaches {share:.0%} of what the machine's limit allows."


def _attributes(report: Report) -> str:
    return ", ".join(f"{name} = {value}" for name, value in report["attributes"].items())


def _limit(call: Mapping[str, Any]) -> float:
    """The least seconds for a call, by the machine."""
    return float(max(call["machine_copy_seconds"], call["machine_arithmetic_seconds"] or 0.0))


def _limit_text(report: Report) -> str:
    if has_arithmetic(report):
        return "The dashed line is what the machine allows: the BLAS behind NumPy, or a copy of the call's bytes."
    return "The dashed line is what the machine allows: a copy of the call's bytes. Below, caches help both."


def _figure(picture: str, caption: str) -> str:
    return f"<figure>{picture}<figcaption>{escape(caption)}</figcaption></figure>"


# ---------------------------------------------------------------------- charts


def _throughput(report: Report) -> str:
    """Work done in a second: arithmetic where it is known, else bytes."""
    key, unit = ("operations", "op/s") if has_arithmetic(report) else ("bytes", "B/s")
    label = "multiplications and additions a second" if key == "operations" else "bytes read and written a second"
    return chart(
        _lines(report, lambda call, seconds: call[key] / seconds),
        described=f"Throughput of {title(report)} over the size of the call",
        x_label="bytes that a call reads and writes",
        y_label=label,
        x_text=bytes_text,
        y_text=lambda value: rate_text(value, unit),
    )


def _times(report: Report) -> str:
    return chart(
        _lines(report, lambda call, seconds: seconds),
        described=f"Time of {title(report)} over the size of the call",
        x_label="bytes that a call reads and writes",
        y_label="time of a call",
        x_text=bytes_text,
        y_text=seconds_text,
    )


def _lines(report: Report, value: Any) -> list[Line]:
    calls = sorted(report["calls"], key=lambda call: call["bytes"])
    lines = []
    for style, name in enumerate(competitors(report)):
        points = [_point(call, name, value) for call in calls if name in call["seconds"]]
        lines.append(Line(name, points, style))
    limits = [(call["bytes"], value(call, _limit(call))) for call in calls]
    return [*lines, Line(LIMIT, [Point(x, y, y, y, "") for x, y in limits], None)]


def _point(call: Mapping[str, Any], name: str, value: Any) -> Point:
    timing = call["seconds"][name]
    ends = sorted(value(call, timing[key]) for key in ("lower_quartile", "upper_quartile"))
    told = f"{name}, {call['label']}: {seconds_text(timing['median'])}, {bytes_text(call['bytes'])}"
    return Point(call["bytes"], value(call, timing["median"]), ends[0], ends[1], told)


# ---------------------------------------------------------------------- figures


def _table(report: Report) -> str:
    names = competitors(report)
    titles = ["operands", "read and<br>written", *map(escape, names), "machine's<br>limit"]
    rows = "".join(_row(call, names) for call in report["calls"])
    head = "".join(f"<th>{text}</th>" for text in titles)
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'


def _row(call: Mapping[str, Any], names: Sequence[str]) -> str:
    medians = {name: one["median"] for name, one in call["seconds"].items()}
    best = min(medians, key=medians.__getitem__) if medians else ""
    cells = [f"<td>{escape(call['label'])}</td>", f"<td>{bytes_text(call['bytes'])}</td>"]
    for name in names:
        if name not in medians:
            cells.append('<td class="gap">–</td>')
            continue
        one = call["seconds"][name]
        spread = (one["upper_quartile"] - one["lower_quartile"]) / 2 / one["median"]
        kind = ' class="best"' if name == best else ""
        cells.append(f'<td{kind}>{seconds_text(one["median"])} <span class="soft">± {spread:.0%}</span></td>')
    return f"<tr>{''.join(cells)}<td>{seconds_text(_limit(call))}</td></tr>"


def _gaps(report: Report) -> list[str]:
    lines = gaps(report)
    if not lines:
        return []
    items = "".join(f"<li{_wrong(text)}>{escape(text)}</li>" for text in lines)
    return ["<h2>What has no time, and why</h2>", f"<ul>{items}</ul>"]


def _wrong(text: str) -> str:
    return ' class="wrong"' if ": wrong: " in text else ""


def _method(report: Report) -> list[str]:
    where = report["environment"]
    threads = ", ".join(f"{name}={value}" for name, value in where["threads"].items())
    rounds = sorted({one["rounds"] for call in report["calls"] for one in call["seconds"].values()})
    return [
        "<p>Each kernel was pinned by the policy and called on buffers; the call allocated its results. Compilers got "
        "the operation as a graph of one node. The decomposition ran node by node through the reference kernels, with "
        "what choosing them costs. Who has no kernel for the CPU ran on its own device, on buffers that were there; "
        "each sample ends when its last result is on the host.</p>",
        "<p>Results were compared before anything was timed. All took part, warm, in "
        f"{' or '.join(map(str, rounds))} interleaved rounds, on operands that take turns in memory. The table gives "
        "medians, and half the distance of the quartiles.</p>",
        f"<p>Machine's limit, by {escape('; by '.join(limits_of(report)))}.</p>",
        f'<p class="soft">{escape(where["machine"])}; Python {escape(where["python"])}, '
        f"NumPy {escape(where['numpy'])}; {escape(threads) or 'no number of threads is set'}.</p>",
    ]
