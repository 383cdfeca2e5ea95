"""How much is tried."""

from __future__ import annotations

from dataclasses import dataclass

from crash.formats.catalogue import OURS


@dataclass(frozen=True)
class Plan:
    """The full numbers, which may be lower for other formats than ours, or `quick`: for a look.

    `inputs`: how many to fuzz with, and `kills`: how many at random moments, if not the usual numbers.
    """

    seed: int = 0
    quick: bool = False
    inputs: int | None = None
    kills: int | None = None

    def count(self, full: int, format_name: str, *, quick: int, peers: int | None = None) -> int:
        """How many trials of an experiment."""
        if self.quick:
            return quick
        return full if format_name == OURS or peers is None else peers
