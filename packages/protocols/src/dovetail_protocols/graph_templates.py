"""A graph with sizes that are not known yet, as plain data: for given sizes it is made a Graph, without tracing."""

from __future__ import annotations

from .errors import GraphError
from .graph import Graph, Node, Value
from .records import record, replace
from .size_formulas import Formula, evaluate, substitute

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from .size_formulas import Expression


@record
class GraphTemplate:
    """A graph in which sizes of metas, and numbers in attributes, may be Formulas of unknown sizes.

    The unknown sizes are those of the inputs, numbered in the order in which they stand there. `hints` are the sizes at
    which it was made; `guards` are (expression, answer): it serves the sizes at which each has the same answer. A graph
    without unknown sizes is a template too.
    """

    graph: Graph
    hints: tuple[int, ...] = ()
    guards: tuple[tuple[Expression, int], ...] = ()

    def serves(self, sizes: Sequence[Any]) -> bool:
        """Whether it may be made a graph for these sizes."""
        try:
            return all(evaluate(expression, sizes) == answer for expression, answer in self.guards)
        except (ArithmeticError, LookupError):  # a guard without an answer
            return False

    def specialized(self, sizes: Sequence[Any]) -> Graph:
        """The graph for these sizes, which it must serve: metas are inferred anew.

        Raises: what an operation's `infer` raises.
        """
        return specialize(self.graph, lambda value: substitute(value, sizes)) if self.hints else self.graph

    def at_hints(self) -> Graph:
        """The graph for the sizes at which it was made, by its own formulas: what validation looks at.

        Raises: GraphError for a formula without a value there.
        """
        return map_sizes(self.graph, lambda value: substitute(value, self.hints)) if self.hints else self.graph


def specialize(graph: Graph, known: Callable[[Any], Any]) -> Graph:
    """The graph in which `known` puts numbers into the shapes of inputs and into attributes; the metas of all other
    values are inferred anew."""
    defined: dict[int, Value] = {}

    def define(value: Value, shape: tuple[int, ...]) -> Value:
        defined[value.number] = replace(value, meta=replace(value.meta, shape=shape))
        return defined[value.number]

    def attribute(value: Any) -> Any:
        return specialize(value, known) if isinstance(value, Graph) else known(value)

    inputs = tuple(define(value, known(value.meta.shape)) for value in graph.inputs)
    for constant in graph.constants:
        defined[constant.value.number] = constant.value
    nodes: list[Node] = []
    for node in graph.nodes:
        operands = tuple(None if value is None else defined[value.number] for value in node.inputs)
        attributes = {name: attribute(value) for name, value in node.attributes.items()}
        metas = node.operation.infer([None if value is None else value.meta for value in operands], attributes)
        several = metas if isinstance(metas, tuple) else (metas,)
        outputs = tuple(define(value, meta.shape) for value, meta in zip(node.outputs, several, strict=True))
        nodes.append(Node(node.operation, operands, outputs, attributes, node.source))
    outputs = tuple(defined[value.number] for value in graph.outputs)
    return replace(graph, inputs=inputs, nodes=tuple(nodes), outputs=outputs)


def map_sizes(graph: Graph, change: Callable[[Any], Any]) -> Graph:
    """The graph with `change` applied to every shape and to every attribute, graphs in attributes included."""

    def value(one: Value) -> Value:
        return replace(one, meta=replace(one.meta, shape=change(one.meta.shape)))

    def attribute(one: Any) -> Any:
        return map_sizes(one, change) if isinstance(one, Graph) else change(one)

    nodes = tuple(
        Node(
            node.operation,
            tuple(None if one is None else value(one) for one in node.inputs),
            tuple(map(value, node.outputs)),
            {name: attribute(one) for name, one in node.attributes.items()},
            node.source,
        )
        for node in graph.nodes
    )
    return replace(graph, inputs=tuple(map(value, graph.inputs)), nodes=nodes, outputs=tuple(map(value, graph.outputs)))


def validate_template(template: GraphTemplate) -> None:
    """Checks that a template is well formed: unknown sizes are those of its inputs, numbered in order; at its hints its
    guards hold, and its graph is well formed.

    Raises: GraphError.
    """
    from .graph_validation import validate

    unknown: list[object] = [
        size for value in template.graph.inputs for size in value.meta.shape if type(size) is not int
    ]
    if unknown != [Formula(("size", number)) for number in range(len(template.hints))]:
        raise GraphError(
            "the unknown sizes of a graph are not those of its inputs, in order",
            where=template.graph.name,
            expected=", ".join(f"?{number}" for number in range(len(template.hints))) or "none",
            got=", ".join(map(str, unknown)) or "none",
        )
    if not template.serves(template.hints):
        raise GraphError("a graph doesn't serve the sizes at which it was made", where=template.graph.name)
    validate(template.at_hints())
