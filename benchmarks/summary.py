"""A few numbers for many samples."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Summary:
    """The median, and half the distance between the quartiles as a fraction of it (zero for a single value)."""

    median: float
    spread: float


def summarize(values: Sequence[float]) -> Summary:
    """The summary of at least one value."""
    median = statistics.median(values)
    if len(values) < 2 or median == 0:
        return Summary(median, 0.0)
    low, _, high = statistics.quantiles(values, n=4, method="inclusive")
    return Summary(median, (high - low) / 2 / abs(median))
