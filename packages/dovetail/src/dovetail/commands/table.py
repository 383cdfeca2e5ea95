"""A table on the terminal, in plain columns that can be piped and compared."""

from __future__ import annotations

from collections.abc import Container, Sequence
from unicodedata import combining, east_asian_width

_WIDEST = 100
"""A column is at most so wide: a longer cell moves the rest of its own row only."""


def table(titles: Sequence[str], rows: Sequence[Sequence[str]], *, right: Container[int] = ()) -> str:
    """Titles and rows, aligned in columns; `right`: the columns that are aligned to the right."""
    widths = [min(max(width(str(row[column])) for row in (titles, *rows)), _WIDEST) for column in range(len(titles))]
    lines = [_line(titles, widths, right), "  ".join("-" * width for width in widths)]
    return "\n".join([*lines, *(_line(row, widths, right) for row in rows)])


def width(text: str) -> int:
    """How many columns a text takes on a terminal."""
    if text.isascii():
        return len(text)
    return sum(0 if combining(one) else 2 if east_asian_width(one) in "WF" else 1 for one in text)


def _line(cells: Sequence[str], widths: Sequence[int], right: Container[int]) -> str:
    padded = []
    for column, (cell, wanted) in enumerate(zip(map(str, cells), widths, strict=True)):
        space = " " * (wanted - width(cell))
        padded.append(space + cell if column in right else cell + space)
    return "  ".join(padded).rstrip()
