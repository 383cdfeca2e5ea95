"""Removes nodes whose results nothing needs. Operations with an effect stay, in their order."""

from __future__ import annotations

from dovetail_protocols.graph import Graph
from dovetail_protocols.records import replace

from ..effects import has_effect


def remove_dead_code(graph: Graph) -> Graph:
    """The graph without the nodes and constants that neither an output nor an effect depends on. Inputs stay."""
    needed = {value.number for value in graph.outputs}
    kept = []
    for node in reversed(graph.nodes):
        if has_effect(node) or any(value.number in needed for value in node.outputs):
            kept.append(node)
            needed.update(value.number for value in node.inputs if value is not None)
    if len(kept) == len(graph.nodes) and all(constant.value.number in needed for constant in graph.constants):
        return graph
    constants = tuple(constant for constant in graph.constants if constant.value.number in needed)
    return replace(graph, nodes=tuple(kept[::-1]), constants=constants)
