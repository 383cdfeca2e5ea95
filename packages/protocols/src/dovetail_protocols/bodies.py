"""From a Python function to a graph without a closure, for the bodies of choices and loops.

What a traced body takes from outside (arrays that it closes over, variables that it reads or assigns) becomes further
inputs, and the new values of variables further outputs, in one order for all bodies of a construct.
"""

from __future__ import annotations

from .arrays import provider
from .errors import StructureError, TraceError
from .graph import Value
from .operations import assign_variable, read_variable
from .records import record, replace
from .tracing import trace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from .graph import Graph
    from .metas import TensorMeta
    from .roles import Array, VariableLike
    from .tracing import Trace


@record
class Closure:
    """What bodies take from outside: arrays, variables that some body assigns, variables that are only read."""

    captures: tuple[Array, ...]
    assigned: tuple[VariableLike, ...]
    read_only: tuple[VariableLike, ...]

    def metas(self) -> dict[int, TensorMeta]:
        """The meta of each array and variable, by its identity."""
        arrays = {id(array): array.meta for array in self.captures}
        return arrays | {id(variable): variable.meta for variable in (*self.assigned, *self.read_only)}

    def read_assigned(self) -> tuple[Array, ...]:
        """The values, now, of the variables that bodies assign."""
        return tuple(read_variable(variable) for variable in self.assigned)

    def constants(self) -> tuple[Array, ...]:
        """Captured arrays, and the values of the variables that are only read."""
        return (*self.captures, *(read_variable(variable) for variable in self.read_only))

    def assign(self, values: Sequence[Array]) -> None:
        """Gives the assigned variables their values after the construct."""
        for variable, value in zip(self.assigned, values, strict=True):
            assign_variable(variable, value)


def trace_body(function: Callable[..., Any], metas: Sequence[TensorMeta], role: str) -> Trace:
    """The trace of a function that returns a tuple (or list) of arrays, or None for no results.

    `role` says what the function is to its construct, for messages and for the graph's name.

    Raises: StructureError where it returns something else.
    """

    def checked(*arguments: Array) -> Sequence[Any]:
        results = function(*arguments)
        if results is None:
            return ()
        if not isinstance(results, (tuple, list)):
            raise StructureError(
                f"{role} returns {type(results).__name__}",
                where=f"{role}, {getattr(function, '__name__', function)!s}",
                expected="a tuple of arrays",
                got=f"{results!r}",
                fix="return (x,) for one array, or use dovetail.cond and the like, which take nested structures",
            )
        return results

    return trace(checked, metas, name=role)


def join_closures(*traces: Trace) -> Closure:
    """The closure of several bodies together, each array and variable once, in order of first use."""
    captures = {id(array): array for one in traces for array in one.captures}
    variables = {id(variable): variable for one in traces for variable in one.variables}
    assigned = {id(variable) for one in traces for variable in one.assigned}
    return Closure(
        tuple(captures.values()),
        tuple(variable for key, variable in variables.items() if key in assigned),
        tuple(variable for key, variable in variables.items() if key not in assigned),
    )


def close_over(traced: Trace, closure: Closure, argument_place: int, result_place: int | None) -> Graph:
    """The body as a graph of its own.

    Inputs: the arguments, with the assigned variables inserted at `argument_place`, then captures, then variables that
    are only read. Outputs: the results, with the values of the assigned variables inserted at `result_place` (None:
    left out); a variable that this body doesn't assign keeps its value.
    """
    graph, first = traced.graph, traced.argument_count
    arguments, outside = graph.inputs[:first], graph.inputs[first:]
    known = {id(one): value for one, value in zip((*traced.captures, *traced.variables), outside, strict=True)}
    unused = max((value.number for value in graph.values()), default=-1)
    for key, meta in closure.metas().items():
        if key not in known:
            unused += 1
            known[key] = Value(unused, meta)
    outputs, assigned = graph.outputs[: traced.result_count], graph.outputs[traced.result_count :]
    if result_place is not None:
        after = known | {id(one): value for one, value in zip(traced.assigned, assigned, strict=True)}
        values = (after[id(variable)] for variable in closure.assigned)
        outputs = (*outputs[:result_place], *values, *outputs[result_place:])
    return replace(
        graph,
        inputs=(
            *arguments[:argument_place],
            *(known[id(variable)] for variable in closure.assigned),
            *arguments[argument_place:],
            *(known[id(one)] for one in (*closure.captures, *closure.read_only)),
        ),
        outputs=outputs,
        states=(),
    )


def refuse_assignment(traced: Trace, role: str) -> None:
    """Raises TraceError where a body assigns a variable though it may not."""
    if traced.assigned:
        raise TraceError(
            f"{role} assigns a variable",
            where=f"{role}, variable {traced.assigned[0].name!r}",
            expected="a function that only looks",
            fix="assign it in the body",
        )


def as_arrays(values: Sequence[Any]) -> tuple[Array, ...]:
    """Arrays of arrays, variables (read), numbers or nested lists."""
    convert = provider().convert
    return tuple(convert(value) for value in values)
