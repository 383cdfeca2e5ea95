"""From the standard's operations to those that the planner has kernels for: composites are written out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from dovetail_protocols.graph import Graph, Node
from dovetail_protocols.metas import TensorMeta
from dovetail_protocols.operation import Operation
from dovetail_protocols.records import record
from dovetail_protocols.tracing import trace

from ..codegen.types import STORED
from .decompositions import DECOMPOSITIONS
from .kinds import CONTROL_FLOW, problem
from .ops import Body, Op, Value, inputs_of, op_of, outputs_of

LIMIT_OF_TEMPLATES = 1024


class NotTaken(Exception):
    """An operation that can't be compiled, with the reason."""


@record
class Template:
    """A composite written out: a graph, and the arrays that its inputs after the operands are."""

    graph: Graph
    captures: tuple[Any, ...]


_templates: dict[Any, Template | str] = {}


def refusal(node: Node) -> str | None:
    """Why a node can't be compiled, or None."""
    try:
        _require(node)
    except NotTaken as error:
        return str(error)
    return None


def _require(node: Node) -> None:
    op = op_of(node)
    metas = [value.meta for value in (*node.inputs, *node.outputs) if value is not None]
    for meta in metas:
        if meta.dtype.name not in STORED:
            raise NotTaken(f"has no code for {meta.dtype.name}")
        if meta.device.kind != "cpu":
            raise NotTaken(f"runs on the CPU, not on {meta.device}")
    if node.operation.name.partition("::")[0] == "dovetail" and op.name in CONTROL_FLOW:
        for graph in node.attributes.values():
            if isinstance(graph, Graph):
                for inner in graph.nodes:
                    _require(inner)
        return
    if _is_taken_as_it_is(node.operation, op):
        return
    for inner in _template(node).graph.nodes:
        _require(inner)


def _is_taken_as_it_is(operation: Operation, op: Op) -> bool:
    """Whether there is a kernel for an operation itself. Raises NotTaken for a primitive without."""
    if operation.name.partition("::")[0] == "dovetail" and op.name not in DECOMPOSITIONS:
        reason = problem(op)
        if reason is None:
            return True
    else:
        reason = "has no code for it"
    if operation.is_primitive and op.name not in DECOMPOSITIONS:
        raise NotTaken(reason)
    if operation.data_dependent or operation.has_effect:
        raise NotTaken("the shapes of its results depend on values" if operation.data_dependent else "has an effect")
    return False


def _template(node: Node) -> Template:
    key = _key(node)
    found = _templates.get(key) if key is not None else None
    if found is None:
        try:
            found = _write_out(node)
        except NotTaken:
            raise
        except Exception as error:  # noqa: BLE001 - a decomposition may raise anything; the node is left to others
            found = f"its decomposition failed: {type(error).__name__}: {error}"
        if key is not None:
            if len(_templates) >= LIMIT_OF_TEMPLATES:
                _templates.clear()
            _templates[key] = found
    if isinstance(found, str):
        raise NotTaken(found)
    return found


def _key(node: Node) -> Any:
    metas = tuple(None if value is None else value.meta for value in node.inputs)
    attributes = tuple((name, type(value), repr(value)) for name, value in node.attributes.items())
    if any(isinstance(value, Graph) for value in node.attributes.values()):
        return None
    return node.operation, metas, attributes


def _write_out(node: Node) -> Template:
    given = [value.meta for value in node.inputs if value is not None]
    decompose: Callable[..., Any] = DECOMPOSITIONS.get(node.operation.short_name, node.operation.decompose)

    def body(*arrays: Any) -> Sequence[Any]:
        following = iter(arrays)
        operands = [None if value is None else next(following) for value in node.inputs]
        result = decompose(*operands, **node.attributes)
        return result if isinstance(result, tuple) else (result,)

    traced = trace(body, given, name=node.operation.short_name)
    if traced.variables:
        raise NotTaken("its decomposition reads variables")
    return Template(traced.graph, traced.captures)


# ---------------------------------------------------------------------- writing out a whole graph


def expand(graph: Graph) -> Body:
    """A graph with its composites written out, down to what has kernels.

    Raises: NotTaken for a node that can't be compiled.
    """
    constants = {constant.value.number: _array(constant.array) for constant in graph.constants}
    body = Body(inputs_of(graph), outputs_of(graph), map(op_of, graph.nodes), constants)
    replaced: dict[int, Value] = {}
    ops: list[Op] = []
    for node in graph.nodes:
        ops += _expanded(body, node, {}, node.source, replaced)
    body.ops = ops
    body.substitute(replaced)
    body.drop_unused()
    return body


def _expanded(body: Body, node: Node, names: dict[int, Value], source: str, replaced: dict[int, Value]) -> Iterator[Op]:
    """The operations that a node becomes. `names`: the plan's values for those of the node's graph, where they differ;
    `replaced` gets the values that turn out to be others."""
    op = op_of(node)
    inputs = tuple(None if value is None else names.get(value.number, value) for value in op.inputs)
    outputs = tuple(names.get(value.number, value) for value in op.outputs)
    if op.name in CONTROL_FLOW or _is_taken_as_it_is(node.operation, op):
        yield Op(op.name, inputs, outputs, op.attributes, source)
        return
    template = _template(node)
    inner: dict[int, Value] = {}
    operands = [value for value in inputs if value is not None]
    for value in template.graph.values():
        inner[value.number] = body.new(tuple(value.meta.shape), value.meta.dtype.name)
    for value, operand in zip(template.graph.inputs, operands, strict=False):
        inner[value.number] = operand
    for value, array in zip(template.graph.inputs[len(operands) :], template.captures, strict=True):
        body.constants[inner[value.number].number] = _array(array)
    for constant in template.graph.constants:
        body.constants[inner[constant.value.number].number] = _array(constant.array)
    for one in template.graph.nodes:
        yield from _expanded(body, one, inner, source, replaced)
    for output, value in zip(outputs, template.graph.outputs, strict=True):
        replaced[output.number] = inner[value.number]


def _array(array: Any) -> Any:
    """A constant's buffer, a NumPy array."""
    return array.payload


def single(
    operation: Operation, metas: Sequence[TensorMeta | None], attributes: Any, results: Sequence[TensorMeta]
) -> Graph:
    """A graph of one node, for those who compile a single operation."""
    from dovetail_protocols.graph import Value as GraphValue

    operands = [None if meta is None else GraphValue(place, meta) for place, meta in enumerate(metas)]
    outputs = tuple(GraphValue(len(operands) + place, meta) for place, meta in enumerate(results))
    given = tuple(value for value in operands if value is not None)
    node = Node(operation, tuple(operands), outputs, attributes)
    return Graph(operation.short_name, given, (node,), outputs)
