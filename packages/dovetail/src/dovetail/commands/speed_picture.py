"""A report of `dovetail bench-kernel` as a picture, by matplotlib."""

from __future__ import annotations

from pathlib import Path

from dovetail_conformance.speed import bytes_text, seconds_text

from .speed_table import Report, competitors, title

MARKS = "osD^Xp"


def write(report: Report, path: Path) -> None:
    """Writes the picture: time over size, a line for each competitor, the machine's limit dashed."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import FuncFormatter, LogLocator

    figure = Figure(figsize=(9, 5.5), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    calls = sorted(report["calls"], key=lambda call: call["bytes"])
    for number, name in enumerate(competitors(report)):
        timed = [(call["bytes"], call["seconds"][name]) for call in calls if name in call["seconds"]]
        medians = [one["median"] for _, one in timed]
        spread = [
            [one["median"] - one["lower_quartile"] for _, one in timed],
            [one["upper_quartile"] - one["median"] for _, one in timed],
        ]
        axes.errorbar([size for size, _ in timed], medians, spread, marker=MARKS[number % len(MARKS)], label=name)
    limits = [max(call["machine_copy_seconds"], call["machine_arithmetic_seconds"] or 0.0) for call in calls]
    axes.plot([call["bytes"] for call in calls], limits, "--", color="gray", label="machine's limit")
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: bytes_text(value)))
    axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 3.0)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: seconds_text(value)))
    axes.set_xlabel("bytes that a call reads and writes")
    axes.set_ylabel("time of a call")
    axes.set_title(title(report))
    axes.grid(alpha=0.25)
    axes.legend(frameon=False)
    figure.savefig(path, dpi=150)
