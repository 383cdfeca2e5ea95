"""Which nodes of a graph the compiler takes: all that it has code for, in as few parts as can run one after another."""

from __future__ import annotations

from dovetail_protocols.compilers import Claim
from dovetail_protocols.graph import Graph

from .planning.expansion import refusal
from .planning.views import VIEWS


def claims(graph: Graph) -> list[Claim]:
    """The claims on a graph.

    Nodes are counted by how often a path to them goes from what is taken to what isn't, or back: those with equal
    counts that are taken are a convex part.
    """
    reasons = [refusal(node) for node in graph.nodes]
    made: dict[int, int] = {}
    depth: list[int] = []
    effect: int | None = None
    for place, node in enumerate(graph.nodes):
        before = [made[value.number] for value in node.inputs if value is not None and value.number in made]
        if node.operation.has_effect:
            before += [] if effect is None else [effect]
            effect = place
        taken = reasons[place] is None
        depth.append(max((depth[one] + (taken != (reasons[one] is None)) for one in before), default=0 if taken else 1))
        made.update((value.number, place) for value in node.outputs)
    parts: dict[int, set[int]] = {}
    for place, level in enumerate(depth):
        if reasons[place] is None:
            parts.setdefault(level, set()).add(place)
    refused = tuple((place, reason) for place, reason in enumerate(reasons) if reason is not None)
    found = [Claim(frozenset(nodes), refused) for nodes in parts.values() if _is_worth_it(graph, nodes)]
    if not found and refused:
        return [Claim(frozenset(), refused)]
    return [found[0], *(Claim(one.nodes) for one in found[1:])] if found else []


def _is_worth_it(graph: Graph, nodes: set[int]) -> bool:
    """Whether there is something to compute: what only looks at memory in another way is as well left to others."""
    return any(graph.nodes[place].operation.short_name not in VIEWS for place in nodes)
