"""From a Python function to a Graph: the interpreter that notes every operation instead of running it.

Arrays from outside that a traced function uses (its closure) become *captures*; variables that it reads or assigns
become *states*. Both are inputs of the graph after the arguments.
"""

from __future__ import annotations

import sys

from .arrays import meta_of, provider
from .dispatch import current, interpreting
from .errors import ConcretizationError, LeakedTensorError
from .graph import Graph, Node, State, Value
from .records import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    from .metas import TensorMeta
    from .operation import Operation
    from .roles import Array, Interpreter, VariableLike


@record
class Trace:
    """What tracing a function gave.

    The graph's inputs are the arguments, then `captures`, then `variables`; its outputs the results, then the new
    values of `assigned`.
    """

    graph: Graph
    argument_count: int
    result_count: int
    captures: tuple[Array, ...]
    variables: tuple[VariableLike, ...]
    assigned: tuple[VariableLike, ...]


class TracedValue:
    """The payload of an array inside a trace: which value of which tracer's graph it stands for."""

    __slots__ = ("owner", "value")

    def __init__(self, owner: Tracer, value: Value) -> None:
        self.owner, self.value = owner, value

    def lift(self) -> Array:
        """What the value will always be, where the trace's owner can tell and arguments play no part in it."""
        lift: Any = getattr(self.owner, "lift", None)
        if lift is None or not self.owner.is_open:
            concrete: Array = self.concretize("a Variable's initial value")
            return concrete
        lifted: Array = lift(self.value)
        return lifted

    def concretize(self, action: str) -> Any:
        """Raises: ConcretizationError while the trace runs, LeakedTensorError after it."""
        line = self.owner.source_of(self.value)
        if not self.owner.is_open:
            raise leaked(self.owner.name, line)
        raise ConcretizationError(
            f"the value of a traced tensor is not known while {self.owner.name!r} is traced, but {action} needs it",
            where=f"{user_line()}; the tensor {self.value.meta} was made at {line or 'an argument of the function'}",
            fix="use dovetail.cond, dovetail.while_loop or dovetail.where in place of a Python if or while on a "
            "tensor, or compute this part outside the function",
        )


def leaked(name: str, line: str) -> LeakedTensorError:
    """The error for a traced tensor that outlived its trace."""
    return LeakedTensorError(
        f"a tensor that was made while {name!r} was traced is used outside of it",
        where=f"{user_line()}; it was made at {line or 'an argument of the function'}",
        fix="return it from the function, or keep it in a Variable with assign(); a list or an attribute that outlives "
        "the call holds only the symbol, not the value",
    )


def user_line() -> str:
    """Where the user's code is now, "file.py:12": the innermost frame outside of Dovetail's own packages."""
    frame: Any = sys._getframe(1)
    while frame is not None:
        if not frame.f_globals.get("__name__", "").partition(".")[0].startswith("dovetail_"):
            return f"{frame.f_code.co_filename}:{frame.f_lineno}"
        frame = frame.f_back
    return "<unknown>"


class Tracer:
    """Interpreter that appends a Node for every operation and gives back arrays that stand for its results."""

    def __init__(self, name: str, parent: Interpreter | None = None) -> None:
        self.name, self.parent = name, parent
        self.is_open = True
        self.arguments: list[Value] = []
        self.nodes: list[Node] = []
        self.captures: dict[int, tuple[Array, Value]] = {}
        self.initial: dict[int, tuple[VariableLike, Value]] = {}
        self.current: dict[int, Array] = {}
        self.assigned: dict[int, VariableLike] = {}
        self._count = 0

    # ------------------------------------------------------------------ values

    def new_value(self, meta: TensorMeta, name: str = "") -> Value:
        value = Value(self._count, meta, name)
        self._count += 1
        return value

    def argument(self, meta: TensorMeta, name: str = "") -> Array:
        """A further argument of the function."""
        value = self.new_value(meta, name)
        self.arguments.append(value)
        return self._array(value)

    def _array(self, value: Value) -> Array:
        return provider().wrap(TracedValue(self, value), value.meta)

    def value_of(self, array: Array) -> Value:
        """The graph's value for an array: its own, or a capture of one from outside.

        Raises: LeakedTensorError for an array of a trace that has ended.
        """
        payload: Any = array.payload
        if isinstance(payload, TracedValue):
            if payload.owner is self:
                return payload.value
            if not payload.owner.is_open:
                raise leaked(payload.owner.name, payload.owner.source_of(payload.value))
        known = self.captures.get(id(array))
        if known is None:
            known = self.captures[id(array)] = (array, self.new_value(array.meta))
        return known[1]

    def source_of(self, value: Value) -> str:
        """The user's line that made a value; "" for arguments, captures and variables."""
        return next((node.source for node in self.nodes if value in node.outputs), "")

    # ------------------------------------------------------------------ operations

    def apply(self, operation: Operation, operands: tuple[Any, ...], attributes: Mapping[str, Any]) -> Any:
        if operation.name == "dovetail::read_variable":
            return self.read(operands[0])
        if operation.name == "dovetail::assign_variable":
            operation.infer([meta_of(operand) for operand in operands], attributes)
            return self.assign(operands[0], operands[1])
        inputs = tuple(None if operand is None else self.value_of(operand) for operand in operands)
        metas = operation.infer([meta_of(value) for value in inputs], attributes)
        several = isinstance(metas, tuple)
        outputs = tuple(self.new_value(meta) for meta in (metas if isinstance(metas, tuple) else (metas,)))
        self.nodes.append(Node(operation, inputs, outputs, dict(attributes), user_line()))
        arrays = tuple(self._array(value) for value in outputs)
        return arrays if several else arrays[0]

    def read(self, variable: VariableLike) -> Array:
        """The variable's value at this point of the trace."""
        key = id(variable)
        if key not in self.current:
            value = self.new_value(variable.meta, variable.name)
            self.initial[key] = (variable, value)
            self.current[key] = self._array(value)
        return self.current[key]

    def assign(self, variable: VariableLike, array: Array) -> Array:
        """Gives the variable another value for the rest of the trace, and at its end."""
        self.read(variable)
        self.current[id(variable)] = self._array(self.value_of(array))
        self.assigned[id(variable)] = variable
        return self.current[id(variable)]

    # ------------------------------------------------------------------ the end

    def close(self, results: Sequence[Array]) -> Trace:
        """Ends the trace. Its arrays can't be used any more."""
        outputs = [self.value_of(result) for result in results]
        outputs += [self.value_of(self.current[key]) for key in self.assigned]
        captures = tuple(array for array, _ in self.captures.values())
        inputs = [*self.arguments, *(value for _, value in self.captures.values())]
        first = len(inputs)
        inputs += [value for _, value in self.initial.values()]
        assigned = list(self.assigned)
        states = tuple(
            State(variable.name, first + place, len(results) + assigned.index(key) if key in assigned else None)
            for place, (key, (variable, _)) in enumerate(self.initial.items())
        )
        self.is_open = False
        return Trace(
            Graph(self.name, tuple(inputs), tuple(self.nodes), tuple(outputs), (), states),
            argument_count=len(self.arguments),
            result_count=len(results),
            captures=captures,
            variables=tuple(variable for variable, _ in self.initial.values()),
            assigned=tuple(self.assigned.values()),
        )


def trace(function: Callable[..., Sequence[Array]], metas: Sequence[TensorMeta], *, name: str = "function") -> Trace:
    """Runs a function once on arrays that stand for its arguments, and gives what it did as a graph.

    `function` takes one array for each meta and returns a flat sequence of arrays. The trace's arrays die with it,
    whether it ends well or not.
    """
    tracer = Tracer(name, parent=current())
    with interpreting(tracer):
        try:
            results = function(*(tracer.argument(meta) for meta in metas))
            return tracer.close([provider().convert(result) for result in results])
        finally:
            tracer.is_open = False
