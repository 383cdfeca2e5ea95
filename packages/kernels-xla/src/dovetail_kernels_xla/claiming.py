"""Which nodes of a graph the compiler takes: all on its device that JAX can say, in as few parts as can run."""

from __future__ import annotations

from dovetail_protocols.compilers import Claim
from dovetail_protocols.graph import Graph
from dovetail_protocols.graph_parts import convex_parts

from .refusals import node_refusal


def claims(graph: Graph) -> list[Claim]:
    """The claims on a graph; the first has the reasons for the nodes that are left."""
    reasons = [node_refusal(node) for node in graph.nodes]
    refused = tuple((place, reason) for place, reason in enumerate(reasons) if reason is not None)
    found = convex_parts(graph, [reason is None for reason in reasons]) or ([frozenset()] if refused else [])
    return [Claim(nodes, () if number else refused) for number, nodes in enumerate(found)]
