"""A call as a graph of one node: what a compiler is offered and makes of it, and what the JSON form of graphs holds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from dovetail_protocols.compilers import CompileOptions, Compiler
from dovetail_protocols.graph import Graph, Node, Value
from dovetail_protocols.kernels import CallMeta, Unsupported

COMPILERS = "dovetail.compilers.v1"
"""The entry-point group of compilers."""


def graph_of(call: CallMeta) -> tuple[Graph, Sequence[int]]:
    """A call as a graph of one node, and which of its operands are there."""
    operands = [None if meta is None else Value(place, meta) for place, meta in enumerate(call.operands)]
    results = tuple(Value(len(operands) + place, meta) for place, meta in enumerate(call.results))
    node = Node(call.operation, tuple(operands), results, call.attributes)
    inputs = tuple(value for value in operands if value is not None)
    graph = Graph(call.operation.short_name, inputs, (node,), results)
    return graph, [place for place, value in enumerate(operands) if value is not None]


def compiled(compiler: Compiler, call: CallMeta) -> Callable[..., Any] | Unsupported:
    """A call as a kernel: its graph of one node, compiled; or why the compiler doesn't claim it."""
    graph, given = graph_of(call)
    claims = compiler.claim(graph)
    if not any(0 in claim.nodes for claim in claims):
        reasons = [reason for claim in claims for place, reason in claim.refused if place == 0]
        return Unsupported("; ".join(reasons) or "not claimed")
    executable = compiler.compile(graph, CompileOptions(strict=True))

    def run(*inputs: Any) -> Any:
        outputs = executable(*[inputs[place] for place in given])
        return outputs if len(call.results) != 1 or _gives_tuple(call) else outputs[0]

    return run


def _gives_tuple(call: CallMeta) -> bool:
    return isinstance(call.operation.infer_with_values(call.operands, call.attributes), tuple)
