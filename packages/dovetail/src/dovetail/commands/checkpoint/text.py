"""Text for a terminal, whatever a stranger put into it; sizes and numbers for a reader."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

_LONGEST_VALUE = 60
ROOT = "(the tree itself)"
"""Stands for the path of an array that was saved by itself."""


def plain(text: str) -> str:
    """The text with everything escaped that a terminal would obey or hide: control characters, marks that turn the
    direction of writing, spaces without width, halves of characters."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode("ascii") for one in text)


def plain_lines(text: str) -> str:
    """`plain` of each line."""
    return "\n".join(plain(line) for line in text.split("\n"))


def size_text(size_bytes: int) -> str:
    """Up to three digits and a binary unit: "64 KiB"."""
    for unit, factor in (("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)):
        if size_bytes >= factor:
            size = size_bytes / factor
            return f"{size:.0f} {unit}" if size >= 100 else f"{size:.3g} {unit}"
    return f"{size_bytes} B"


def count_text(count: int, noun: str, plural: str = "") -> str:
    """A count and its noun: "1 tensor", "2,000 tensors"."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"


def shape_text(shape: Sequence[int]) -> str:
    """A shape: "64 × 128", or "scalar"."""
    return " × ".join(map(str, shape)) if shape else "scalar"


def number_text(number: float) -> str:
    """A float to four digits."""
    return f"{number:.4g}"


def value_text(value: Any) -> str:
    """A scalar on one line, shortened where it is long."""
    if isinstance(value, bytes):
        return f"{len(value):,} bytes"
    text = plain(repr(value))
    return text if len(text) <= _LONGEST_VALUE else f"{text[: _LONGEST_VALUE - 1]}…"
