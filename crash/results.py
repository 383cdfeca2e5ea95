"""What an experiment found on one format."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

EXAMPLES = 8
NO_VERDICT = "no verdict: "
"""With this the outcome of a trial begins that says nothing of the format."""


@dataclass
class Result:
    """`counts` has every outcome; `misses` those of them that lose or falsify something, with `examples`.

    `leftovers` counts the trials after which temporary files were still there when the next save had returned;
    `leftover` is one of them. `errors` counts the kinds of errors that saves raised. `skipped` says why nothing could
    be tried, or "".
    """

    experiment: str
    format: str
    case: str
    seed: int
    counts: Counter[str] = field(default_factory=Counter)
    misses: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    leftovers: int = 0
    leftover: str = ""
    examples: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    seconds: float = 0.0
    skipped: str = ""

    def add(self, outcome: str, *, miss: bool = False, example: str = "") -> None:
        """One trial more."""
        self.counts[outcome] += 1
        if miss:
            self.misses[outcome] += 1
            if example and self.misses[outcome] <= 2 and len(self.examples) < EXAMPLES:
                self.examples.append(f"{outcome}: {example}")

    @property
    def trials(self) -> int:
        return sum(self.counts.values())

    @classmethod
    def from_json(cls, read: Mapping[str, Any]) -> Result:
        """The result that `to_json` gave."""
        values = {each.name: read[each.name] for each in fields(cls)}
        return cls(**values | {name: Counter(read[name]) for name in ("counts", "misses", "errors")})

    def to_json(self) -> dict[str, Any]:
        counters = {name: dict(getattr(self, name)) for name in ("counts", "misses", "errors")}
        return {**{each.name: getattr(self, each.name) for each in fields(self)}, **counters, "trials": self.trials}
