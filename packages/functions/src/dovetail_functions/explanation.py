"""What `Function.explain` gives: who runs each node, and why, as data and as text."""

from __future__ import annotations

from dovetail_protocols.records import record

from .execution.placements import Placement, as_text
from .listing import counted


@record
class Explanation:
    """Where each node of a function runs, for one signature. `str()` is a report."""

    name: str
    signature: str
    placements: tuple[Placement, ...]

    def count_by_runner(self) -> dict[str, int]:
        """How many nodes each kernel package and compiler runs, the busiest first; "control flow" for loops."""
        counts: dict[str, int] = {}
        for placement in self.placements:
            runner = placement.runner.partition("/")[0]
            counts[runner] = counts.get(runner, 0) + 1
        return dict(sorted(counts.items(), key=lambda item: -item[1]))

    def __str__(self) -> str:
        counts = ", ".join(f"{runner}: {count}" for runner, count in self.count_by_runner().items())
        head = f"{self.name}({self.signature}): {counted(len(self.placements), 'node')}"
        return "\n".join([f"{head} ({counts})" if counts else head, as_text(self.placements, "  ")]).rstrip()
