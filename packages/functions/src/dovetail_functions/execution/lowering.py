"""Before a graph runs: each node that nobody compiles gets its kernel, or is replaced by its decomposition."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from dovetail_protocols import selection
from dovetail_protocols.graph import Constant, Graph, Node, Value
from dovetail_protocols.records import replace
from dovetail_protocols.selection import Selection
from dovetail_protocols.tracing import trace

from .control_flow import is_control_flow


class Lowering:
    """A graph on its way to what can run, and what was found out about its nodes.

    Nodes are told by the number of their first output, which stays. `selections` has what was chosen for those that
    were looked at; `origins` the composites that a node comes from, outermost first.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.selections: dict[int, Selection] = {}
        self.origins: dict[int, tuple[str, ...]] = {}
        self._alive: list[Node] = []  # those without outputs are told by their id
        self._next = 1 + max((value.number for value in graph.values()), default=-1)

    def lower(self, taken: Collection[int]) -> bool:
        """Replaces the composites without kernel, other than the nodes at the positions `taken`, by their
        decompositions. Says whether there were any; their nodes are not looked at yet.

        Raises: KernelNotFoundError where a node has neither kernel nor decomposition.
        """
        nodes: list[Node] = []
        constants = list(self.graph.constants)
        replaced: dict[int, Value] = {}
        for position, node in enumerate(self.graph.nodes):
            node = _with_inputs(node, replaced)
            if position in taken or self._is_runnable(node):
                nodes.append(node)
                continue
            inner, new_constants, results = self._decomposed(node)
            nodes += inner
            constants += new_constants
            replaced |= zip((value.number for value in node.outputs), results, strict=True)
        if not replaced:
            return False
        outputs = tuple(replaced.get(value.number, value) for value in self.graph.outputs)
        self.graph = replace(self.graph, nodes=tuple(nodes), constants=tuple(constants), outputs=outputs)
        return True

    def _is_runnable(self, node: Node) -> bool:
        """Whether a node can run as it is. One that can't has a decomposition.

        Raises: KernelNotFoundError.
        """
        if is_control_flow(node):
            return True
        key = key_of(node)
        if key not in self.selections:
            metas = tuple(None if value is None else value.meta for value in node.inputs)
            chosen = selection.select(node.operation, metas, node.attributes)
            if chosen.kernel is None and node.operation.is_primitive:
                raise selection.not_found(node.operation, metas, chosen, node.attributes)
            self.selections[key] = chosen
            self._alive.append(node)
        return self.selections[key].kernel is not None

    def _decomposed(self, node: Node) -> tuple[list[Node], list[Constant], list[Value]]:
        """The nodes and constants of a node's decomposition, and the values that stand for its outputs."""
        given = [value for value in node.inputs if value is not None]
        traced = trace(_body(node), [value.meta for value in given], name=node.operation.short_name)
        graph = traced.graph
        renamed: dict[int, Value] = {}
        for value in graph.values():
            renamed[value.number] = replace(value, number=self._next)
            self._next += 1
        renamed |= zip((value.number for value in graph.inputs), given, strict=False)
        origin = (*self.origins.get(key_of(node), ()), node.operation.short_name)
        captured = graph.inputs[len(given) :]
        constants = [Constant(renamed[v.number], array) for v, array in zip(captured, traced.captures, strict=True)]
        nodes = [
            replace(
                _with_inputs(inner, renamed),
                outputs=tuple(renamed[value.number] for value in inner.outputs),
                source=node.source,
            )
            for inner in graph.nodes
        ]
        self.origins |= {key_of(inner): origin for inner in nodes}
        return nodes, constants, [renamed[value.number] for value in graph.outputs]


def key_of(node: Node) -> int:
    """What a node is told by: the number of its first output; one without outputs by its identity."""
    return node.outputs[0].number if node.outputs else -id(node)


def _with_inputs(node: Node, replaced: dict[int, Value]) -> Node:
    if not any(value is not None and value.number in replaced for value in node.inputs):
        return node
    inputs = tuple(None if value is None else replaced.get(value.number, value) for value in node.inputs)
    return replace(node, inputs=inputs)


def _body(node: Node) -> Any:
    """A node's decomposition as a function of the operands that are there."""

    def body(*arrays: Any) -> tuple[Any, ...]:
        given = iter(arrays)
        operands = [None if value is None else next(given) for value in node.inputs]
        result = node.operation.decompose(*operands, **node.attributes)
        return result if isinstance(result, tuple) else (result,)

    return body
