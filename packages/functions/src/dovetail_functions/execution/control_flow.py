"""Running choices and loops: the graphs that their nodes carry become programs of their own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from dovetail_protocols import operations as ops
from dovetail_protocols.binding import bind_attributes
from dovetail_protocols.graph import Graph, Node, Value
from dovetail_protocols.metas import TensorMeta
from dovetail_protocols.operation import Operation
from dovetail_protocols.operations.control_flow import divide, output_metas, scan_length

from .kernels import wrapper

Run = Callable[..., Any]
Plan = Callable[[Graph], Run]


def is_control_flow(node: Node) -> bool:
    """Whether a node is run here rather than by a kernel."""
    return node.operation in _BINDERS


def bind_control_flow(node: Node, plan: Plan) -> Run:
    """What runs a node on buffers; `plan` makes programs of graphs."""
    return _BINDERS[node.operation](node, plan)


def _bind_cond(node: Node, plan: Plan) -> Run:
    true_branch, false_branch = plan(node.attributes["true_branch"]), plan(node.attributes["false_branch"])
    holds = _truth(node.inputs[0])
    return lambda pred, *operands: true_branch(*operands) if holds(pred) else false_branch(*operands)


def _bind_while(node: Node, plan: Plan) -> Run:
    condition, body = plan(node.attributes["condition"]), plan(node.attributes["body"])
    carry_count, limit = node.attributes["carry_count"], node.attributes["maximum_iterations"]
    holds = _truth(node.attributes["condition"].outputs[0])

    def run(*operands: Any) -> tuple[Any, ...]:
        carried, constants = operands[:carry_count], operands[carry_count:]
        count = 0
        while (limit is None or count < limit) and holds(condition(*carried, *constants)[0]):
            carried = body(*carried, *constants)
            count += 1
        return carried

    return run


def _bind_scan(node: Node, plan: Plan) -> Run:
    attributes = node.attributes
    counts = attributes["carry_count"], attributes["sequence_count"]
    _, sequences, _ = divide([value.meta for value in node.inputs if value is not None], *counts)
    length = scan_length(sequences, attributes["length"])
    body = plan(attributes["body"])
    splits = [plan(_call(ops.unstack, (meta,), {"axis": 0})) for meta in sequences]
    results = output_metas(attributes["body"])[counts[0] :]
    joins = [plan(_stacking(meta, length)) for meta in results]
    order = range(length - 1, -1, -1) if attributes["reverse"] else range(length)

    def run(*operands: Any) -> tuple[Any, ...]:
        carried, sequences, constants = divide(operands, *counts)
        elements = [split(sequence) for split, sequence in zip(splits, sequences, strict=True)]
        rows: list[tuple[Any, ...]] = [()] * length
        for step in order:
            results = body(*carried, *[rows_of_one[step] for rows_of_one in elements], *constants)
            carried, rows[step] = results[: counts[0]], results[counts[0] :]
        columns = zip(*rows, strict=True) if rows else [()] * len(joins)
        return (*carried, *[join(*column)[0] for join, column in zip(joins, columns, strict=True)])

    return run


def _stacking(meta: TensorMeta, length: int) -> Graph:
    """The graph that stacks a scan's outputs."""
    if not length:
        empty = {"shape": (0, *meta.shape), "fill_value": 0, "dtype": meta.dtype, "device": meta.device}
        return _call(ops.full, (), empty)
    return _call(ops.stack, (meta,) * length, {"axis": 0})


def _call(operation: Operation, metas: tuple[TensorMeta, ...], attributes: Mapping[str, Any]) -> Graph:
    """A graph of one node."""
    bound = bind_attributes(operation, attributes)
    inputs = tuple(Value(number, meta) for number, meta in enumerate(metas))
    inferred = operation.infer(metas, bound)
    results = inferred if isinstance(inferred, tuple) else (inferred,)
    outputs = tuple(Value(len(inputs) + place, meta) for place, meta in enumerate(results))
    return Graph(operation.short_name, inputs, (Node(operation, inputs, outputs, bound),), outputs)


def _truth(value: Value | None) -> Callable[[Any], bool]:
    assert value is not None  # a predicate is no optional operand
    wrap = wrapper(value.meta)
    return lambda buffer: bool(wrap(buffer))


_BINDERS: dict[Operation, Callable[[Node, Plan], Run]] = {
    ops.cond: _bind_cond,
    ops.while_loop: _bind_while,
    ops.scan: _bind_scan,
}
