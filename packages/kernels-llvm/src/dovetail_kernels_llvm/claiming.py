"""Which nodes of a graph the compiler takes: all that it has code for, in as few parts as can run one after another."""

from __future__ import annotations

from dovetail_protocols.compilers import Claim
from dovetail_protocols.graph import Graph
from dovetail_protocols.graph_parts import convex_parts

from .planning.expansion import refusal
from .planning.views import VIEWS


def claims(graph: Graph) -> list[Claim]:
    """The claims on a graph; the first has the reasons for the nodes that are left."""
    reasons = [refusal(node) for node in graph.nodes]
    refused = tuple((place, reason) for place, reason in enumerate(reasons) if reason is not None)
    parts = convex_parts(graph, [reason is None for reason in reasons])
    found = [nodes for nodes in parts if _is_worth_it(graph, nodes)] or ([frozenset()] if refused else [])
    return [Claim(nodes, () if number else refused) for number, nodes in enumerate(found)]


def _is_worth_it(graph: Graph, nodes: frozenset[int]) -> bool:
    """Whether there is something to compute: what only looks at memory in another way is as well left to others."""
    return any(graph.nodes[place].operation.short_name not in VIEWS for place in nodes)
