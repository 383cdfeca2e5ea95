"""A call as a graph of one node: what a compiler is offered, and what the graph's JSON form must hold."""

from __future__ import annotations

from collections.abc import Sequence

from dovetail_protocols.graph import Graph, Node, Value
from dovetail_protocols.kernels import CallMeta


def graph_of(call: CallMeta) -> tuple[Graph, Sequence[int]]:
    """A call as a graph of one node, and which of its operands are there."""
    operands = [None if meta is None else Value(place, meta) for place, meta in enumerate(call.operands)]
    results = tuple(Value(len(operands) + place, meta) for place, meta in enumerate(call.results))
    node = Node(call.operation, tuple(operands), results, call.attributes)
    inputs = tuple(value for value in operands if value is not None)
    graph = Graph(call.operation.short_name, inputs, (node,), results)
    return graph, [place for place, value in enumerate(operands) if value is not None]
