"""Operations that do something besides giving results, such as printing."""

from __future__ import annotations

from dovetail_protocols.graph import Graph, Node


def has_effect(node: Node) -> bool:
    """Whether a node does something besides giving its results, itself or in a graph that it carries. Such nodes run
    even if nothing needs their results, and in their order."""
    return node.operation.has_effect or any(
        has_effect(inner) for body in node.attributes.values() if isinstance(body, Graph) for inner in body.nodes
    )
