"""Which nodes of a graph the compiler takes: all on its device that JAX can say, in as few parts as can run."""

from __future__ import annotations

from dovetail_protocols.compilers import Claim
from dovetail_protocols.graph import Graph, Node

from .refusals import node_refusal


def claims(graph: Graph) -> list[Claim]:
    """The claims on a graph.

    Nodes are counted by how often a path to them goes from what is taken to what isn't, or back: those with equal
    counts that are taken are a convex part.
    """
    reasons = [node_refusal(node) for node in graph.nodes]
    made: dict[int, int] = {}
    depth: list[int] = []
    effect: int | None = None
    for place, node in enumerate(graph.nodes):
        before = [made[value.number] for value in node.inputs if value is not None and value.number in made]
        if _has_effect(node):
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
    found = [frozenset(nodes) for nodes in parts.values()] or ([frozenset()] if refused else [])
    return [Claim(nodes, () if number else refused) for number, nodes in enumerate(found)]


def _has_effect(node: Node) -> bool:
    """Whether a node, or one in a graph that it carries, does something besides giving results."""
    bodies = (body for body in node.attributes.values() if isinstance(body, Graph))
    return node.operation.has_effect or any(_has_effect(inner) for body in bodies for inner in body.nodes)
