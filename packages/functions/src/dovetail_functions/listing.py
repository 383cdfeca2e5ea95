"""A function's traces as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .function import Function


def describe(function: Function) -> str:
    """The traces of a function, one a line.

    function train_step, 2 traces
      1. (x: float32[32,784], training=True): 41 nodes, 4 variables, 2 assigned
      2. (x: float32[?,784], training=True): 41 nodes, 4 variables, 2 assigned
    """
    lines = [f"function {function.name}, {counted(len(function.traces), 'trace')}"]
    for number, trace in enumerate(function.traces, 1):
        counts = [counted(len(trace.graph.nodes), "node"), counted(len(trace.variables), "variable")]
        if trace.assigned:
            counts.append(f"{len(trace.assigned)} assigned")
        lines.append(f"  {number}. ({trace.signature}): {', '.join(counts)}")
    return "\n".join(lines)


def counted(count: int, noun: str) -> str:
    """A number of things: "1 trace", "2 traces"."""
    return f"{count} {noun}{'' if count == 1 else 's'}"
