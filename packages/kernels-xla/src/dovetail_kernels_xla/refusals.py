"""What is not said in JAX, and why."""

from __future__ import annotations

from dovetail_protocols.graph import Graph, Node
from dovetail_protocols.kernels import CallMeta

from .device import KIND
from .lowering import LOWERINGS, decomposition


def refusal(call: CallMeta, *, is_placed: bool = True) -> str | None:
    """Why a call can't be part of a compiled program, or None. `is_placed`: its arrays must be on this device."""
    operation = call.operation
    if operation.has_effect:
        return f"{operation.short_name} does something besides giving results"
    if operation.data_dependent:
        return f"the shape of the result of {operation.short_name} depends on values"
    places = {str(meta.device) for meta in (*call.operands, *call.results) if meta is not None}
    if not call.results or (is_placed and (len(places) != 1 or call.results[0].device.kind != KIND)):
        return f"it is on {', '.join(sorted(places)) or 'no device'}"
    for body in call.attributes.values():
        if isinstance(body, Graph):
            reason = graph_refusal(body, is_placed=is_placed)
            if reason is not None:
                return reason
    if operation in LOWERINGS or (operation.name.startswith("dovetail::") and not operation.is_primitive):
        return None
    if operation.is_primitive:
        return f"there is no lowering for {operation.name}"
    return graph_refusal(decomposition(call)[0], is_placed=False)


def graph_refusal(graph: Graph, *, is_placed: bool = True) -> str | None:
    """The first reason why a graph's nodes can't be part of a compiled program, or None."""
    for node in graph.nodes:
        reason = node_refusal(node, is_placed=is_placed)
        if reason is not None:
            return f"{node.operation.short_name} in {graph.name}: {reason}"
    return None


def node_refusal(node: Node, *, is_placed: bool = True) -> str | None:
    """Why a node can't be part of a compiled program, or None."""
    metas = tuple(None if value is None else value.meta for value in node.inputs)
    call = CallMeta(node.operation, metas, node.attributes, tuple(value.meta for value in node.outputs))
    return refusal(call, is_placed=is_placed)
