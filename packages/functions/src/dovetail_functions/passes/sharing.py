"""Common subexpressions: what is computed twice is computed once."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

from dovetail_protocols.arrays import provider
from dovetail_protocols.graph import Constant, Graph, Node
from dovetail_protocols.records import replace
from dovetail_protocols.roles import SupportsBytes

from ..effects import has_effect
from .rewriting import Rewriting, with_inputs

LIMIT_BYTES = 64
"""Constants up to this size are compared by their contents; larger ones are the same only if the array is."""


def share_common_subexpressions(graph: Graph) -> Graph:
    """The graph with one node for all calls of the same operation with the same operands and attributes, and one
    constant for small ones of the same contents. Operations with an effect are each left."""
    state = Rewriting(graph)
    known: dict[Hashable, Node | Constant] = {}
    for constant in graph.constants:
        first = known.setdefault(_constant_key(constant), constant)
        if first is not constant and isinstance(first, Constant):
            state.replaced[constant.value.number] = first.value
    nodes: list[Node] = []
    for original in graph.nodes:
        node = with_inputs(original, state)
        same = _known(known, node)
        if same is None:
            nodes.append(node)
        else:
            pairs = zip(node.outputs, same.outputs, strict=True)
            state.replaced |= {value.number: before for value, before in pairs}
    if not state.replaced:
        return graph
    constants = tuple(constant for constant in graph.constants if constant.value.number not in state.replaced)
    return replace(graph, nodes=tuple(nodes), constants=constants, outputs=tuple(map(state.resolve, graph.outputs)))


def _known(known: dict[Hashable, Node | Constant], node: Node) -> Node | None:
    """The node before that does the same; this one is known from now on."""
    if has_effect(node):
        return None
    operands = tuple(None if value is None else value.number for value in node.inputs)
    key = (node.operation, operands, exact(tuple(node.attributes.items())))
    try:
        same = known.setdefault(key, node)
    except TypeError:  # an attribute that can't be hashed
        return None
    return same if same is not node and isinstance(same, Node) else None


def exact(value: Any) -> Hashable:
    """A key for an attribute that tells apart what Python calls equal: 1, 1.0 and True; 0.0 and -0.0."""
    if type(value) is tuple:
        return tuple(exact(item) for item in value)
    if isinstance(value, (float, complex)):
        return type(value), repr(value)
    return type(value), value


def _constant_key(constant: Constant) -> Hashable:
    tensors = provider()
    meta = constant.value.meta
    if meta.size_bytes > LIMIT_BYTES or not isinstance(tensors, SupportsBytes):
        return meta, id(constant.array.payload)
    return meta, tensors.to_bytes(constant.array)
