"""The graph: a traced computation as plain frozen data, in static single assignment form, with static shapes.

It is what `functions` hands to compilers, what exporters read, and what users look at. `str(graph)` is its text form.
"""

from __future__ import annotations

from .records import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from .metas import TensorMeta
    from .operation import Operation
    from .roles import Array


@record
class Value:
    """One array in a graph: its number, unique in the graph, and its meta. `name` is for readers only."""

    number: int
    meta: TensorMeta
    name: str = ""

    def __eq__(self, other: object) -> bool:
        return type(other) is Value and self.number == other.number and self.meta == other.meta

    def __hash__(self) -> int:
        return self.number

    def __str__(self) -> str:
        return f"%{self.number}"


@record
class Node:
    """One call of an operation. `inputs` holds None where an optional operand is left out; `attributes` are complete,
    hashable, and in the operation's order; an attribute may be a Graph (the body of a loop). `source` is the user's
    line, "file.py:12", or ""."""

    operation: Operation
    inputs: tuple[Value | None, ...]
    outputs: tuple[Value, ...]
    attributes: Mapping[str, Any]
    source: str = ""


@record
class Constant:
    """An array that was there before the trace: its value in the graph, and the array itself."""

    value: Value
    array: Array


@record
class State:
    """A variable's place in a graph: input number `input` holds its value before, output number `output` its value
    after, or None if it is only read. An executable that was told so may write the latter into the former's buffer."""

    name: str
    input: int
    output: int | None


@record
class Graph:
    """A computation from `inputs` to `outputs`.

    Each Value is defined once: as input, constant or output of a node; nodes are in an order in which every input is
    defined before. `states` are the variables among inputs and outputs. A graph has no side effects besides them.
    """

    name: str
    inputs: tuple[Value, ...]
    nodes: tuple[Node, ...]
    outputs: tuple[Value, ...]
    constants: tuple[Constant, ...] = ()
    states: tuple[State, ...] = ()

    __eq__ = object.__eq__
    __hash__ = object.__hash__

    def __str__(self) -> str:
        from .graph_text import to_text

        return to_text(self)

    def values(self) -> Iterator[Value]:
        """Every value, in order of definition."""
        yield from self.inputs
        for constant in self.constants:
            yield constant.value
        for node in self.nodes:
            yield from node.outputs

    def subgraphs(self) -> Iterator[Graph]:
        """The graphs held by attributes of its nodes, one level deep."""
        for node in self.nodes:
            yield from (attribute for attribute in node.attributes.values() if isinstance(attribute, Graph))


def evaluate(graph: Graph, operands: tuple[Any, ...]) -> tuple[Any, ...]:
    """The outputs of a graph for given arrays, node by node under the current interpreter.

    Because every node passes through `apply`, a graph evaluated under a tape is differentiated, under a tracer inlined,
    and so on.
    """
    from .dispatch import apply

    environment = {value.number: operand for value, operand in zip(graph.inputs, operands, strict=True)}
    environment |= {constant.value.number: constant.array for constant in graph.constants}
    for node in graph.nodes:
        inputs = tuple(None if value is None else environment[value.number] for value in node.inputs)
        result = apply(node.operation, inputs, node.attributes)
        results = result if isinstance(result, tuple) else (result,)
        environment.update(zip((value.number for value in node.outputs), results, strict=True))
    return tuple(environment[value.number] for value in graph.outputs)
