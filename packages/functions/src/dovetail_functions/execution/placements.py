"""Who runs each node of a function, and why: what `explain` shows."""

from __future__ import annotations

from dovetail_protocols.records import record


@record
class Placement:
    """Where one node runs.

    `operation` is the operation's short name, `result` the metas of its results, `source` the user's line.
    `runner` is "kernel package/id", "compiler name", or "control flow" (its `bodies` are programs of their own).
    `reasons` say why others did not take it; `origin` names the composites that were decomposed into it, outermost
    first.
    """

    operation: str
    result: str
    source: str
    runner: str
    reasons: tuple[str, ...] = ()
    origin: tuple[str, ...] = ()
    bodies: tuple[tuple[Placement, ...], ...] = ()


def as_text(placements: tuple[Placement, ...], indent: str = "") -> str:
    """Placements for a reader, one line for each node, reasons below it."""
    lines: list[str] = []
    for placement in placements:
        origin = f", part of {' / '.join(placement.origin)}" if placement.origin else ""
        source = f"   # {placement.source.rpartition('/')[2]}" if placement.source else ""
        lines.append(f"{indent}{placement.operation} → {placement.result}: {placement.runner}{origin}{source}")
        lines += [f"{indent}    not {reason}" for reason in placement.reasons]
        for body in placement.bodies:
            lines.append(as_text(body, indent + "  | "))
    return "\n".join(lines)
