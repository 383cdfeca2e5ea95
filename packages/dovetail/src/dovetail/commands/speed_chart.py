"""A chart as inline SVG: lines over logarithmic axes, with labels at their ends. Colors are the page's, by class."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from math import ceil, floor, log2, log10

WIDTH, HEIGHT = 860, 440
LEFT, RIGHT, TOP, BOTTOM = 96, 150, 18, 52
MARKS = ("circle", "square", "diamond", "triangle", "wedge", "bar")
CORNERS: dict[str, tuple[tuple[float, float], ...]] = {
    "square": ((-4, -4), (4, -4), (4, 4), (-4, 4)),
    "diamond": ((0, -6), (6, 0), (0, 6), (-6, 0)),
    "triangle": ((0, -6), (5.5, 4.5), (-5.5, 4.5)),
    "wedge": ((0, 6), (5.5, -4.5), (-5.5, -4.5)),
    "bar": ((-6, -2.5), (6, -2.5), (6, 2.5), (-6, 2.5)),
}
LABEL_DISTANCE = 16


@dataclass(frozen=True, slots=True)
class Point:
    """A place on the axes, with its quartiles along the second, and what is told of it where it is pointed at."""

    x: float
    y: float
    low: float
    high: float
    told: str


@dataclass(frozen=True, slots=True)
class Line:
    """A named line. `style` is the number of its color and mark; None is the machine's limit, dashed."""

    name: str
    points: Sequence[Point]
    style: int | None


@dataclass(frozen=True, slots=True)
class Axes:
    """Where numbers stand in the picture."""

    x: tuple[float, float]
    y: tuple[float, float]

    def across(self, value: float) -> float:
        low, high = self.x
        return LEFT + (WIDTH - LEFT - RIGHT) * (log2(value) - low) / (high - low)

    def down(self, value: float) -> float:
        low, high = self.y
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (log10(value) - low) / (high - low)


def chart(lines: Sequence[Line], *, described: str, x_label: str, y_label: str, x_text: Texts, y_text: Texts) -> str:
    """The SVG element. `x_text` and `y_text` write the numbers beside the axes."""
    axes = _axes(lines)
    middle, bottom = (LEFT + WIDTH - RIGHT) / 2, HEIGHT - 10
    turned = f'transform="translate(16 {(TOP + HEIGHT - BOTTOM) / 2}) rotate(-90)"'
    parts = [
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(described)}">',
        f"<title>{escape(described)}</title>",
        *_grid(axes, x_text, y_text),
        f'<text class="axis" x="{middle}" y="{bottom}">{escape(x_label)}</text>',
        f'<text class="axis" {turned}>{escape(y_label)}</text>',
    ]
    for line in sorted(lines, key=lambda line: line.style is not None):
        parts += _line(line, axes)
    parts += _end_labels(lines, axes)
    return "\n".join([*parts, "</svg>"])


Texts = Callable[[float], str]


def _axes(lines: Sequence[Line]) -> Axes:
    """Whole powers around all points, and a little room."""
    across = [log2(point.x) for line in lines for point in line.points]
    down = [log10(value) for line in lines for point in line.points for value in (point.low, point.high)]
    low, high = min(down), max(down)
    room = max(0.06 * (high - low), 0.05)
    return Axes((min(across) - 0.6, max(across) + 0.6), (low - room, high + room))


def _grid(axes: Axes, x_text: Texts, y_text: Texts) -> list[str]:
    right, bottom = WIDTH - RIGHT, HEIGHT - BOTTOM
    parts = []
    for power in _powers_of_two(axes.x):
        x = axes.across(2.0**power)
        parts.append(f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{bottom}"/>')
        parts.append(
            f'<text class="tick" text-anchor="middle" x="{x:.1f}" y="{bottom + 18}">{x_text(2.0**power)}</text>'
        )
    for value in _decimal_ticks(axes.y):
        y = axes.down(value)
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text class="tick" text-anchor="end" x="{LEFT - 8}" y="{y + 4:.1f}">{y_text(value)}</text>')
    return parts


def _powers_of_two(span: tuple[float, float]) -> range:
    step = next(step for step in (1, 2, 5, 10) if (span[1] - span[0]) / step <= 10 or step == 10)
    return range(ceil(span[0] / step) * step, floor(span[1]) + 1, step)


def _decimal_ticks(span: tuple[float, float]) -> list[float]:
    """Powers of ten, with 2 and 5 between them where there are few."""
    factors = (1,) if span[1] - span[0] > 3 else (1, 3) if span[1] - span[0] > 1.5 else (1, 2, 5)
    values = [factor * 10.0**power for power in range(floor(span[0]), ceil(span[1]) + 1) for factor in factors]
    return [value for value in values if span[0] <= log10(value) <= span[1]]


def _line(line: Line, axes: Axes) -> list[str]:
    places = [(axes.across(point.x), axes.down(point.y)) for point in line.points]
    path = " ".join(f"{'L' if number else 'M'}{x:.1f} {y:.1f}" for number, (x, y) in enumerate(places))
    kind = "limit" if line.style is None else f"line s{line.style % len(MARKS)}"
    parts = [f'<path class="{kind}" d="{path}"/>']
    if line.style is None:
        return parts
    for point, (x, y) in zip(line.points, places, strict=True):
        low, high = axes.down(point.low), axes.down(point.high)
        parts.append(f'<line class="{kind}" x1="{x:.1f}" x2="{x:.1f}" y1="{low:.1f}" y2="{high:.1f}"/>')
        parts.append(f"<g>{_mark(line.style, x, y)}<title>{escape(point.told)}</title></g>")
    return parts


def _mark(style: int, x: float, y: float) -> str:
    kind, css = MARKS[style % len(MARKS)], f'class="mark s{style % len(MARKS)}"'
    if kind == "circle":
        return f'<circle {css} cx="{x:.1f}" cy="{y:.1f}" r="4.5"/>'
    corners = " ".join(f"{x + across:.1f},{y + down:.1f}" for across, down in CORNERS[kind])
    return f'<polygon {css} points="{corners}"/>'


def _end_labels(lines: Sequence[Line], axes: Axes) -> list[str]:
    """Names beside the last points of lines, moved apart where they would lie over each other."""
    ends = sorted(((axes.down(line.points[-1].y), line) for line in lines if line.points), key=lambda end: end[0])
    tops: list[float] = []
    for y, _ in ends:
        tops.append(max(y, tops[-1] + LABEL_DISTANCE) if tops else y)
    beyond = max(0.0, tops[-1] - (HEIGHT - BOTTOM)) if tops else 0.0
    parts = []
    for top, (y, line) in zip(tops, ends, strict=True):
        x = axes.across(line.points[-1].x)
        label = top - beyond
        kind = "limit-label" if line.style is None else f"label s{line.style % len(MARKS)}"
        edge = WIDTH - RIGHT + 8
        parts.append(f'<path class="leader" d="M{x + 7:.1f} {y:.1f}L{edge - 3} {label:.1f}"/>')
        parts.append(f'<text class="{kind}" x="{edge}" y="{label + 4:.1f}">{escape(line.name)}</text>')
    return parts
