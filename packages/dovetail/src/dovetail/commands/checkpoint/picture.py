"""The page of `dovetail checkpoint inspect --html`: what it shows is read here, and drawn by `page`."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .opening import compare, opened
from .page import page
from .page.values import Chart, Values
from .places import Found, find_one
from .progress import Progress

if TYPE_CHECKING:
    from dovetail_checkpointing import Comparison
    from dovetail_checkpointing.sources import TensorSource

    ObjectPath = tuple[str | int, ...]

BINS = 48
MOST_CHARTS = 400
"""More pictures than that in one page are no use to anybody."""


def write_page(
    found: Found, document: dict[str, Any], target: Path, is_wanted: Callable[[str], bool] | None, other: str | None
) -> int:
    """Writes the page, and gives how many tensors' values it draws: those that are wanted, none for None.

    Raises: what reading raises.
    """
    with ExitStack() as closing:
        one = closing.enter_context(opened(found))
        source, second, compared = one.source, None, None
        if other is not None:
            beside = closing.enter_context(opened(find_one(other)))
            second = beside.source
            with Progress("comparing") as progress:
                compared = compare(one, beside, progress=progress.update)
        names = [(tuple(one["path"]), one["name"]) for one in document["tensors"]]
        chosen = [] if is_wanted is None else [(path, name) for path, name in names if is_wanted(name)]
        charts = _charts(chosen[:MOST_CHARTS], source, second, compared)
    left_out = max(len(chosen) - MOST_CHARTS, 0)
    target.write_text(page(document, charts, left_out, compared, other or ""), encoding="utf-8")
    return len(charts)


def _charts(
    chosen: list[tuple[ObjectPath, str]],
    source: TensorSource,
    other: TensorSource | None,
    compared: Comparison | None,
) -> list[Chart]:
    differences = {one.path: one.values for one in compared.changed} if compared else {}
    total = sum(source.tensors[path].size_bytes for path, _ in chosen)
    charts, done = [], 0
    with Progress("reading values") as progress:
        for number, (path, name) in enumerate(chosen):
            values, beside = _values(path, source, other)
            charts.append(Chart(f"t{number}", path, name, values, beside, differences.get(path)))
            done += source.tensors[path].size_bytes
            progress.update(done, total)
    return charts


def _values(path: ObjectPath, source: TensorSource, other: TensorSource | None) -> tuple[Values, Values | None]:
    """Statistics and a histogram of a tensor, of both checkpoints over one range where both have it."""
    from dovetail_checkpointing.statistics import histogram, statistics, union_range

    sources = [source, *([other] if other is not None and path in other.tensors else [])]
    found = [statistics(one, path) for one in sources]
    span = union_range(*found)
    drawn: list[Any] = [None] * len(sources)
    is_whole = span is not None and _is_whole(*span, source.tensors[path].dtype)
    if span is not None:
        low, high, bins = _bins(*span, is_whole=is_whole)
        drawn = [histogram(one, path, low, high, bins) for one in sources]
    made = [
        Values(one.tensors[path], told, picture, is_whole)
        for one, told, picture in zip(sources, found, drawn, strict=True)
    ]
    return made[0], made[1] if len(made) > 1 else None


def _is_whole(low: float, high: float, dtype: str) -> bool:
    """Whether values are so few integers that each has a bin."""
    return dtype.startswith(("int", "uint", "bool")) and high - low < BINS


def _bins(low: float, high: float, *, is_whole: bool) -> tuple[float, float, int]:
    """From where to where, and how many bins."""
    return (low - 0.5, high + 0.5, int(high - low) + 1) if is_whole else (low, high, BINS)
