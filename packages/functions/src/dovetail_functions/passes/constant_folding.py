"""Computes what depends on constants alone, once instead of at every call."""

from __future__ import annotations

from typing import Any

from dovetail_protocols.arrays import provider
from dovetail_protocols.dispatch import interpreting
from dovetail_protocols.errors import DovetailError
from dovetail_protocols.graph import Constant, Graph, Node
from dovetail_protocols.records import replace

from ..effects import has_effect

LIMIT_BYTES = 1024
"""Larger results are computed anew, because a compiler does better with `full(shape=…)` than with a block of memory."""


def fold_constants(graph: Graph) -> Graph:
    """The graph with small results of nodes whose operands are all constants as constants."""
    arrays: dict[int, Any] = {constant.value.number: constant.array for constant in graph.constants}
    constants, nodes = list(graph.constants), []
    for node in graph.nodes:
        results = _folded(node, arrays)
        if results is None:
            nodes.append(node)
            continue
        constants += [Constant(value, array) for value, array in zip(node.outputs, results, strict=True)]
        arrays |= {value.number: array for value, array in zip(node.outputs, results, strict=True)}
    if len(nodes) == len(graph.nodes):
        return graph
    return replace(graph, nodes=tuple(nodes), constants=tuple(constants))


def _folded(node: Node, arrays: dict[int, Any]) -> tuple[Any, ...] | None:
    """The results of a node, or None where it is left to run."""
    if any(value is not None and value.number not in arrays for value in node.inputs) or has_effect(node):
        return None
    if sum(value.meta.size_bytes for value in node.outputs) > LIMIT_BYTES:
        return None
    operands = tuple(None if value is None else arrays[value.number] for value in node.inputs)
    try:
        with interpreting(None):
            result = provider().evaluate(node.operation, operands, node.attributes)
    except DovetailError:
        return None  # it raises its reason when it runs
    results = result if isinstance(result, tuple) else (result,)
    agree = all(array.meta == value.meta for array, value in zip(results, node.outputs, strict=True))
    return results if agree else None
