"""The planner's own form of a graph: operations by name on numbered values, which later steps rewrite."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import prod
from typing import Any

from dovetail_protocols.graph import Graph, Node
from dovetail_protocols.records import record


@record
class Value:
    """An array: its number, unique in the plan, its shape and its dtype's name."""

    number: int
    shape: tuple[int, ...]
    dtype: str

    @property
    def size(self) -> int:
        return prod(self.shape)


class Op:
    """One call: an operation of the standard by its short name, or one of the planner's own ("assemble"). `inputs`
    holds None where an operand is left out; `given` are those that are there. It is not changed once it is made."""

    __slots__ = ("attributes", "given", "inputs", "name", "outputs", "source")

    def __init__(
        self,
        name: str,
        inputs: tuple[Value | None, ...],
        outputs: tuple[Value, ...],
        attributes: Mapping[str, Any],
        source: str = "",
    ) -> None:
        self.name, self.inputs, self.outputs = name, inputs, outputs
        self.attributes, self.source = attributes, source
        self.given = tuple([value for value in inputs if value is not None])


class Body:
    """A graph on its way to launches: its operations in order, its constants as NumPy arrays, its inputs and outputs.

    It is rewritten in place by the planner's passes.
    """

    def __init__(
        self,
        inputs: tuple[Value, ...],
        outputs: tuple[Value, ...],
        ops: Iterable[Op] = (),
        constants: Mapping[int, Any] | None = None,
    ) -> None:
        self.inputs, self.outputs = inputs, outputs
        self.ops = list(ops)
        self.constants: dict[int, Any] = dict(constants or {})
        self._next = 1 + max((value.number for value in self._values()), default=-1)

    def _values(self) -> Iterable[Value]:
        yield from self.inputs
        yield from self.outputs
        for op in self.ops:
            yield from op.given
            yield from op.outputs

    def new(self, shape: tuple[int, ...], dtype: str) -> Value:
        """A value with a number of its own."""
        value = Value(self._next, shape, dtype)
        self._next += 1
        return value

    def uses(self) -> dict[int, list[Op]]:
        """The operations that take each value, by its number."""
        found: dict[int, list[Op]] = {}
        for op in self.ops:
            for value in op.given:
                found.setdefault(value.number, []).append(op)
        return found

    def makers(self) -> dict[int, Op]:
        """The operation that gives each value, by its number."""
        return {value.number: op for op in self.ops for value in op.outputs}

    def substitute(self, replaced: Mapping[int, Value]) -> None:
        """Puts other values in the place of some, in inputs of operations and in outputs."""

        def final(value: Value) -> Value:
            while value.number in replaced:
                value = replaced[value.number]
            return value

        self.ops = [
            op
            if not any(value.number in replaced for value in op.given)
            else Op(
                op.name,
                tuple(None if value is None else final(value) for value in op.inputs),
                op.outputs,
                op.attributes,
                op.source,
            )
            for op in self.ops
        ]
        self.outputs = tuple(final(value) for value in self.outputs)

    def drop_unused(self) -> None:
        """Leaves out operations whose results nobody takes."""
        needed = {value.number for value in self.outputs}
        kept: list[Op] = []
        for op in reversed(self.ops):
            if any(value.number in needed for value in op.outputs):
                kept.append(op)
                needed.update(value.number for value in op.given)
        self.ops = kept[::-1]
        self.constants = {number: array for number, array in self.constants.items() if number in needed}


def value_of(number: int, meta: Any) -> Value:
    """A value for a graph's: shape and dtype from its meta."""
    return Value(number, tuple(int(size) for size in meta.shape), meta.dtype.name)


def op_of(node: Node) -> Op:
    """A node as an operation."""
    return Op(
        node.operation.short_name,
        tuple(None if value is None else value_of(value.number, value.meta) for value in node.inputs),
        tuple(value_of(value.number, value.meta) for value in node.outputs),
        node.attributes,
        node.source,
    )


def inputs_of(graph: Graph) -> tuple[Value, ...]:
    return tuple(value_of(value.number, value.meta) for value in graph.inputs)


def outputs_of(graph: Graph) -> tuple[Value, ...]:
    return tuple(value_of(value.number, value.meta) for value in graph.outputs)
