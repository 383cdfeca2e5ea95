"""A graph with unknown sizes, made anew for given ones: metas inferred again, attributes computed, no Python traced."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dovetail_protocols.graph import Graph, Node, Value
from dovetail_protocols.records import replace

from .symbolic import Sizes


def specialize(graph: Graph, sizes: Sizes, unknown: Sequence[int]) -> Graph:
    """The graph in which the sizes of a trace have the values `unknown`, at which its guards hold."""
    known: dict[int, Value] = {}

    def define(value: Value, shape: tuple[int, ...]) -> Value:
        known[value.number] = replace(value, meta=replace(value.meta, shape=shape))
        return known[value.number]

    def attribute(value: Any) -> Any:
        return specialize(value, sizes, unknown) if isinstance(value, Graph) else sizes.substitute(value, unknown)

    inputs = tuple(define(value, sizes.substitute(value.meta.shape, unknown)) for value in graph.inputs)
    for constant in graph.constants:
        known[constant.value.number] = constant.value
    nodes: list[Node] = []
    for node in graph.nodes:
        operands = tuple(None if value is None else known[value.number] for value in node.inputs)
        attributes = {name: attribute(value) for name, value in node.attributes.items()}
        metas = node.operation.infer([None if value is None else value.meta for value in operands], attributes)
        several = metas if isinstance(metas, tuple) else (metas,)
        outputs = tuple(define(value, meta.shape) for value, meta in zip(node.outputs, several, strict=True))
        nodes.append(Node(node.operation, operands, outputs, attributes, node.source))
    outputs = tuple(known[value.number] for value in graph.outputs)
    return replace(graph, inputs=inputs, nodes=tuple(nodes), outputs=outputs)
