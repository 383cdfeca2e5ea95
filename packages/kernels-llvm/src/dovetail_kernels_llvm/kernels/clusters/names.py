"""What a cluster does, in words."""

from __future__ import annotations

from ..cluster import CONSTANT, INDEX, LOAD, Cluster

MOST_NAMES = 6


def described(cluster: Cluster, *, sized: bool) -> str:
    """A short text for readers, such as "max, subtract, exp, sum, divide → [8192, 1024]"."""
    names = [term.operation for term in cluster.terms if term.operation not in (LOAD, CONSTANT, INDEX)]
    distinct = list(dict.fromkeys(names)) or ["copy"]
    text = ", ".join(distinct[:MOST_NAMES])
    if len(distinct) > MOST_NAMES:
        text += f" and {len(distinct) - MOST_NAMES} more"
    return f"{text} → {[*cluster.rows, cluster.columns]}" if sized else text
