"""The traces of a function for one form of arguments, and which of them serves a call."""

from __future__ import annotations

from collections.abc import Sequence

from . import patterns
from .patterns import Pattern
from .traces import FunctionTrace


class Family:
    """Traces of arguments that differ in sizes only, the most specific first."""

    def __init__(self) -> None:
        self.traces: list[FunctionTrace] = []

    def find(self, shapes: Sequence[Sequence[int]]) -> FunctionTrace | None:
        """The most specific trace that serves these shapes."""
        return next((trace for trace in self.traces if trace.unknown_sizes(shapes) is not None), None)

    def add(self, trace: FunctionTrace) -> None:
        """Keeps a trace, unless it holds values of interpreters around it, which end before the next call."""
        if not trace.captures:
            self.traces.append(trace)
            self.traces.sort(key=lambda known: known.unknown_count)

    def wider(self, pattern: Pattern) -> Pattern:
        """The pattern that takes this one and all that were traced."""
        for trace in self.traces:
            pattern = patterns.join(pattern, trace.pattern)
        return pattern
