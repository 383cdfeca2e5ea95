"""The kernel of each node, chosen once; a composite without one is replaced by its decomposition."""

from __future__ import annotations

from dovetail_protocols import selection
from dovetail_protocols.dispatch import interpreting
from dovetail_protocols.graph import Constant, Graph, Node, Value
from dovetail_protocols.records import record
from dovetail_protocols.selection import Selection
from dovetail_protocols.tracing import trace

MAXIMUM_DEPTH = 64


@record
class BoundNode:
    """A node, and what was chosen for it. `decomposed` names the composites that it was part of, outermost first."""

    node: Node
    selection: Selection
    decomposed: tuple[str, ...] = ()


class Binder:
    """Binds the nodes of one graph; nodes of decompositions get numbers of their own."""

    def __init__(self, graph: Graph) -> None:
        self._next = 1 + max((value.number for value in graph.values()), default=-1)
        self._replaced: dict[int, Value] = {}
        self.constants: list[Constant] = list(graph.constants)
        self.bound: list[BoundNode] = []

    def resolve(self, value: Value) -> Value:
        """The value that stands for a graph's value after decomposition."""
        while value.number in self._replaced:
            value = self._replaced[value.number]
        return value

    def bind(self, node: Node, decomposed: tuple[str, ...] = ()) -> None:
        """Chooses a kernel for a node, or binds the nodes of its decomposition.

        Raises: KernelNotFoundError where neither is there.
        """
        inputs = tuple(None if value is None else self.resolve(value) for value in node.inputs)
        node = node.replace(inputs=inputs)
        metas = tuple(None if value is None else value.meta for value in inputs)
        chosen = selection.select(node.operation, metas, node.attributes)
        if chosen.kernel is not None:
            self.bound.append(BoundNode(node, chosen, decomposed))
            return
        if node.operation.is_primitive or len(decomposed) > MAXIMUM_DEPTH:
            raise selection.not_found(node.operation, metas, chosen)
        self._decompose(node, decomposed)

    def _decompose(self, node: Node, decomposed: tuple[str, ...]) -> None:
        present = [value for value in node.inputs if value is not None]

        def body(*arrays: object) -> tuple[object, ...]:
            given = iter(arrays)
            operands = [None if value is None else next(given) for value in node.inputs]
            result = node.operation.decompose(*operands, **node.attributes)
            return result if isinstance(result, tuple) else (result,)

        with interpreting(None):
            traced = trace(body, [value.meta for value in present], name=node.operation.short_name)
        graph = traced.graph
        renamed = dict(zip((v.number for v in graph.inputs[: len(present)]), present, strict=True))
        for value, array in zip(graph.inputs[len(present) :], traced.captures, strict=True):
            renamed[value.number] = self._renumbered(value)
            self.constants.append(Constant(renamed[value.number], array))
        for inner in graph.nodes:
            renamed |= {value.number: self._renumbered(value) for value in inner.outputs}
            inputs = tuple(None if value is None else renamed[value.number] for value in inner.inputs)
            outputs = tuple(renamed[value.number] for value in inner.outputs)
            path = (*decomposed, node.operation.short_name)
            self.bind(inner.replace(inputs=inputs, outputs=outputs, source=node.source), path)
        for value, result in zip(node.outputs, graph.outputs, strict=True):
            self._replaced[value.number] = renamed[result.number]

    def _renumbered(self, value: Value) -> Value:
        self._next += 1
        return value.replace(number=self._next - 1)
