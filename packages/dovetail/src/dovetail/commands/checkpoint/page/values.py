"""Values of a tensor: a histogram and statistics, beside those of the other checkpoint where there is one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..text import number_text, shape_text
from .markup import name, safe, table

if TYPE_CHECKING:
    from dovetail_checkpointing import TensorInfo, ValueDifference
    from dovetail_checkpointing.statistics import Histogram, Statistics

_WIDTH, _HEIGHT = 340, 110
_LEFT, _TOP, _BASE = 8, 6, 92
"""Where the picture begins, and the line that bars stand on."""


@dataclass(frozen=True, slots=True)
class Values:
    """What was read of a tensor in one checkpoint; `is_whole`: there is a bin for each integer."""

    info: TensorInfo
    statistics: Statistics
    histogram: Histogram | None
    is_whole: bool = False


@dataclass(frozen=True, slots=True)
class Chart:
    """A tensor whose values are drawn. `other`: in the checkpoint that this one is compared with."""

    anchor: str
    path: tuple[str | int, ...]
    name: str
    values: Values
    other: Values | None
    difference: ValueDifference | None


def chart_html(chart: Chart, *, is_compared: bool) -> str:
    """A card with the histogram and the statistics of a tensor."""
    info = chart.values.info
    shown = [chart.values, *([chart.other] if chart.other else [])]
    return (
        f'<section class="card" id="{chart.anchor}"><h3>{name(chart.name)}</h3>'
        f'<p class="soft">{safe(info.dtype)}, {shape_text(info.shape)}</p>'
        f"{_picture(chart, shown)}{_statistics(shown, is_compared=is_compared)}{_difference(chart)}</section>"
    )


# ---------------------------------------------------------------------- histogram


def _picture(chart: Chart, shown: Sequence[Values]) -> str:
    histograms = [(one.histogram, one.statistics) for one in shown if one.histogram is not None]
    if not histograms:
        return '<p class="soft empty">no finite values</p>'
    shares = [[count / max(told.finite, 1) for count in drawn.counts] for drawn, told in histograms]
    top = max(max(one) for one in shares) or 1.0
    low, high = histograms[0][0].low, histograms[0][0].high
    outlines = [
        f'<path class="{"filled" if number == 0 else "outline"}" d="{_steps(one, top)}"/>'
        for number, one in enumerate(shares)
    ]
    axis = _whole_axis(low, high, chart.values.info.dtype) if chart.values.is_whole else _axis(low, high)
    label = f"Histogram of {safe(chart.name)} from {number_text(low)} to {number_text(high)}"
    return (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{label}">'
        f'{"".join(outlines)}<path class="base" d="M{_LEFT} {_BASE}H{_WIDTH - _LEFT}"/>{axis}</svg>'
    )


def _steps(shares: Sequence[float], top: float) -> str:
    """The outline of bars, each as wide as its bin."""
    width = (_WIDTH - 2 * _LEFT) / len(shares)
    parts = [f"M{_LEFT} {_BASE}"]
    for place, share in enumerate(shares):
        height = (_BASE - _TOP) * share / top
        if share:
            height = max(height, 1.0)  # a bar of few elements can still be seen
        parts.append(f"V{_BASE - height:.1f}H{_LEFT + (place + 1) * width:.1f}")
    return "".join(parts) + f"V{_BASE}Z"


def _whole_axis(low: float, high: float, dtype: str) -> str:
    """The first and the last integer, each below its bin, which is as wide as the distance of two."""
    half = (_WIDTH - 2 * _LEFT) / (high - low) / 2
    ends = [(_LEFT + half, low + 0.5), (_WIDTH - _LEFT - half, high - 0.5)]
    names = {0.0: "false", 1.0: "true"} if dtype == "bool" else {}
    return "".join(
        f'<text x="{x:.1f}" y="{_HEIGHT - 5}" text-anchor="middle">{names.get(value, number_text(value))}</text>'
        for x, value in dict.fromkeys(ends)
    )


def _axis(low: float, high: float) -> str:
    """The ends of the range, and zero where it lies well inside."""
    y = _HEIGHT - 5
    if low == high:
        return f'<text x="{_WIDTH / 2:.0f}" y="{y}" text-anchor="middle">{number_text(low)}</text>'
    ends = (
        f'<text x="{_LEFT}" y="{y}">{number_text(low)}</text>'
        f'<text x="{_WIDTH - _LEFT}" y="{y}" text-anchor="end">{number_text(high)}</text>'
    )
    place = -low / (high - low)
    if not 0 < place < 1:
        return ends
    x = _LEFT + place * (_WIDTH - 2 * _LEFT)
    zero = f'<path class="zero" d="M{x:.1f} {_TOP}V{_BASE}"/>'
    if 0.25 < place < 0.75:
        zero += f'<text x="{x:.1f}" y="{y}" text-anchor="middle">0</text>'
    return ends + zero


# ---------------------------------------------------------------------- statistics

_NUMBERS = ("mean", "deviation", "minimum", "maximum")
_TITLES = {"deviation": "standard deviation"}


def _statistics(shown: Sequence[Values], *, is_compared: bool) -> str:
    told = [one.statistics for one in shown]
    rows = [
        (_TITLES.get(title, title), *(number_text(getattr(one, title)) for one in told))
        for title in _NUMBERS
        if any(one.finite for one in told)
    ]
    rows.append(("elements", *(f"{one.elements:,}" for one in told)))
    for title, counts in (
        ("zeros", [one.zeros for one in told]),
        ("NaN", [one.nans for one in told]),
        ("infinite", [one.infinities for one in told]),
    ):
        if any(counts):
            shares = [
                f" ({100 * count / one.elements:.0f} %)" if count else ""
                for count, one in zip(counts, told, strict=True)
            ]
            kind = title if title == "zeros" else f'<span class="bad">{title}</span>'
            rows.append((kind, *(f"{count:,}{share}" for count, share in zip(counts, shares, strict=True))))
    keys = ['<span class="key k0"></span>this', '<span class="key k1"></span>other'][: len(told)]
    return table(("", *(keys if is_compared else [""] * len(told))), rows)


def _difference(chart: Chart) -> str:
    if chart.difference is None:
        return ""
    found = chart.difference
    by = f"by {number_text(found.max_absolute)} at most and {number_text(found.mean_absolute)} on average"
    return f'<p class="soft">{found.changed:,} of {found.elements:,} elements differ, {by}.</p>'
