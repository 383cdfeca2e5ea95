"""Whether a graph is well formed: what everybody who makes or reads graphs may rely on, and can check."""

from __future__ import annotations

from .binding import operand_of
from .dtypes import DType
from .errors import DovetailError, GraphError
from .graph import Graph
from .graph_text import node_text
from .metas import Device, TensorMeta
from .operation import Operation

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .graph import Node, State, Value

PLAIN = (bool, int, float, complex, str, DType, Device)
"""What attributes are made of, besides None, Graph and tuples of these."""


def validate(graph: Graph) -> None:
    """Checks that a graph is well formed, graphs in attributes too; returns where it is.

    Every value is defined once (as input, constant or node output) and before its uses, which agree with it in meta;
    every node has the operands and attributes that its operation takes, and outputs as its `infer` says; attributes are
    plain data; constants and states fit their values. An operation on variables, or one whose shapes depend on values,
    can't stand in a graph.

    Raises: GraphError, naming the graph, the node and the value.
    """
    _Validation(graph, graph.name).run()


class _Validation:
    def __init__(self, graph: Graph, path: str) -> None:
        self.graph, self.path = graph, path
        self.defined: dict[int, TensorMeta] = {}

    def run(self) -> None:
        for place, value in enumerate(self.graph.inputs):
            self.define(value, f"{self.path}, input {place}")
        for place, constant in enumerate(self.graph.constants):
            where = f"{self.path}, constant {place}, {constant.value}"
            self.define(constant.value, where)
            if constant.array.meta != constant.value.meta:
                raise GraphError(
                    "a constant's array is not what its value says",
                    where=where,
                    expected=constant.value.meta,
                    got=constant.array.meta,
                )
        for place, node in enumerate(self.graph.nodes):
            self.check_node(node, f"{self.path}, node {place}: {node_text(node)}")
        for place, value in enumerate(self.graph.outputs):
            self.check_use(value, f"{self.path}, output {place}")
        for state in self.graph.states:
            self.check_state(state, f"{self.path}, state {state.name!r}")

    # ------------------------------------------------------------------ values

    def define(self, value: Value, where: str) -> None:
        if value.number in self.defined:
            raise GraphError(f"{value} is defined twice", where=where, expected="a number of its own for each value")
        self.defined[value.number] = value.meta

    def check_use(self, value: Value, where: str) -> None:
        meta = self.defined.get(value.number)
        if meta is None:
            raise GraphError(
                f"{value} is used but not defined",
                where=where,
                expected="a value defined before: an input, a constant, or an output of a node further up",
            )
        if meta != value.meta:
            raise GraphError(f"{value} is not used as what it is", where=where, expected=meta, got=value.meta)

    # ------------------------------------------------------------------ nodes

    def check_node(self, node: Node, where: str) -> None:
        for value in node.inputs:
            if value is not None:
                self.check_use(value, where)
        check_arity(node.operation, node.inputs, where)
        self.check_attributes(node, where)
        try:
            metas = node.operation.infer(
                [None if value is None else value.meta for value in node.inputs], node.attributes
            )
        except DovetailError as error:
            raise GraphError(
                f"{node.operation.name} doesn't take these operands", where=where, cause=str(error)
            ) from error
        except Exception as error:  # infer relies on bound attributes; those of a file may be of any kind
            raise GraphError(
                f"{node.operation.name} doesn't take these attributes",
                where=where,
                cause=f"{type(error).__name__}: {error}",
            ) from error
        expected = metas if isinstance(metas, tuple) else (metas,)
        if tuple(value.meta for value in node.outputs) != expected:
            raise GraphError(
                f"the outputs are not what {node.operation.name} gives",
                where=where,
                expected=", ".join(map(str, expected)),
                got=", ".join(str(value.meta) for value in node.outputs),
            )
        for value in node.outputs:
            self.define(value, where)

    def check_attributes(self, node: Node, where: str) -> None:
        expected = [attribute.name for attribute in node.operation.attributes]
        if list(node.attributes) != expected:
            raise GraphError(
                f"the attributes are not those of {node.operation.name}, all of them and in its order",
                where=where,
                expected=", ".join(expected) or "none",
                got=", ".join(map(str, node.attributes)) or "none",
            )
        for name, value in node.attributes.items():
            self.check_attribute(value, f"{where}, attribute {name}")

    def check_attribute(self, value: Any, where: str) -> None:
        if isinstance(value, Graph):
            _Validation(value, f"{where}, {value.name}").run()
        elif isinstance(value, tuple):
            for item in value:
                self.check_attribute(item, where)
        elif value is not None and not isinstance(value, PLAIN):
            raise GraphError(
                "an attribute is not plain data",
                where=where,
                expected="None, bool, int, float, complex, str, DType, Device, Graph, or a tuple of these",
                got=f"{type(value).__name__}",
            )

    # ------------------------------------------------------------------ states

    def check_state(self, state: State, where: str) -> None:
        before = _at(self.graph.inputs, state.input, where, "input")
        twins = [other for other in self.graph.states if other.input == state.input]
        if state.output is not None:
            after = _at(self.graph.outputs, state.output, where, "output")
            twins += [other for other in self.graph.states if other.output == state.output]
            if before.meta != after.meta:
                raise GraphError(
                    "a state's value after is not like that before", where=where, expected=before.meta, got=after.meta
                )
        if any(other is not state for other in twins):
            raise GraphError("two states share a place", where=where, expected="an input and an output of its own")


def _at(values: tuple[Value, ...], place: int, where: str, kind: str) -> Value:
    if not 0 <= place < len(values):
        raise GraphError(f"a state has no {kind}", where=where, expected=f"below {len(values)}", got=place)
    return values[place]


def check_arity(operation: Operation, inputs: tuple[Value | None, ...], where: str) -> None:
    """Raises GraphError for operands that an operation can't do without or doesn't have, and for variables."""
    declared = operation.operands
    least = sum(not operand.variadic for operand in declared)
    variadic = bool(declared) and declared[-1].variadic
    if len(inputs) < least or (len(inputs) > least and not variadic):
        raise GraphError(
            f"{operation.name} has another number of operands",
            where=where,
            expected=f"at least {least}" if variadic else f"{least}",
            got=len(inputs),
        )
    for place, value in enumerate(inputs):
        operand = operand_of(operation, place)
        if value is None and not operand.optional:
            raise GraphError(f"operand {operand.name!r} of {operation.name} is missing", where=where)
        if operand.type_variable == "V":
            raise GraphError(
                f"{operation.name} works on a variable, which no value of a graph is",
                where=where,
                fix="lift the variable: an input with its value before, an output with its value after",
            )
