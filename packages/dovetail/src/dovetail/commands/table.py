"""A table on the terminal, in plain columns that can be piped and compared."""

from __future__ import annotations

from collections.abc import Sequence


def table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Titles and rows, aligned in columns."""
    widths = [max(len(str(row[column])) for row in (titles, *rows)) for column in range(len(titles))]
    lines = [_line(titles, widths), "  ".join("-" * width for width in widths)]
    return "\n".join([*lines, *(_line(row, widths) for row in rows)])


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(str(cell).ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()
