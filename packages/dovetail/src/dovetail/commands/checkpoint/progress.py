"""A bar for long work: on a terminal only, on the error stream, gone when the work is done."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Self

from .text import plain, size_text

_WIDTH = 24
_LONGEST_LABEL = 40


class Progress:
    """Tells how many bytes are done, in the body of a `with`. `update` is what library functions call."""

    def __init__(self, label: str) -> None:
        label = plain(label)
        self._label = label if len(label) <= _LONGEST_LABEL else f"…{label[1 - _LONGEST_LABEL :]}"
        self._is_shown = sys.stderr.isatty()
        self._told = -1

    def update(self, done: int, total: int) -> None:
        """Draws the bar anew where it would look different."""
        percent = 100 * done // total if total else 100
        if not self._is_shown or percent == self._told:
            return
        self._told = percent
        filled = _WIDTH * percent // 100
        bar = "█" * filled + "░" * (_WIDTH - filled)
        if (sys.stderr.encoding or "").lower() not in ("utf-8", "utf8"):
            bar = "#" * filled + "." * (_WIDTH - filled)
        print(f"\r\x1b[K{self._label} {bar} {percent:3} % of {size_text(total)}", end="", file=sys.stderr, flush=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if self._told >= 0:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
