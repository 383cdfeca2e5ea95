"""Rewriting by rules: each looks at one node, whose operands were rewritten before."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from dovetail_protocols.graph import Graph, Node, Value
from dovetail_protocols.operation import Operation
from dovetail_protocols.records import replace
from dovetail_protocols.roles import Array

Rule = Callable[[Node, "Rewriting"], "Value | Node | None"]
"""What stands for a node: a value that is there already, another node with the same outputs, or None for itself."""


class Rewriting:
    """A graph that is being rewritten: what rules may ask about operands."""

    def __init__(self, graph: Graph) -> None:
        self.constants: dict[int, Array] = {constant.value.number: constant.array for constant in graph.constants}
        self.producers: dict[int, Node] = {}
        self.replaced: dict[int, Value] = {}

    def resolve(self, value: Value) -> Value:
        """The value that stands for another."""
        return self.replaced.get(value.number, value)

    def producer(self, value: Value | None, operation: Operation) -> Node | None:
        """The node that gives a value, if it is a call of that operation."""
        node = None if value is None else self.producers.get(value.number)
        return node if node is not None and node.operation is operation else None

    def constant(self, value: Value | None) -> Array | None:
        """The array of a constant, or None for any other value."""
        return None if value is None else self.constants.get(value.number)


def rewrite(graph: Graph, rules: Mapping[Operation, Rule]) -> Graph:
    """The graph with each node that a rule has something else for replaced by it."""
    state = Rewriting(graph)
    nodes: list[Node] = []
    for original in graph.nodes:
        node = with_inputs(original, state)
        rule = rules.get(node.operation)
        instead = None if rule is None else rule(node, state)
        if isinstance(instead, Value):
            state.replaced[node.outputs[0].number] = instead
            continue
        node = instead or node
        nodes.append(node)
        state.producers |= {value.number: node for value in node.outputs}
    if len(nodes) == len(graph.nodes) and all(new is old for new, old in zip(nodes, graph.nodes, strict=True)):
        return graph
    return replace(graph, nodes=tuple(nodes), outputs=tuple(map(state.resolve, graph.outputs)))


def with_inputs(node: Node, state: Rewriting) -> Node:
    """The node with what stands for its operands now."""
    inputs = tuple(None if value is None else state.resolve(value) for value in node.inputs)
    if all(new is old for new, old in zip(inputs, node.inputs, strict=True)):
        return node
    return replace(node, inputs=inputs)
