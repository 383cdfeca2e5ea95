"""One trace of a function: its graph, the variables it reads and assigns, and the form of its result."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from dovetail_protocols.creation import telling
from dovetail_protocols.dispatch import current, interpreting
from dovetail_protocols.errors import ShapeError
from dovetail_protocols.graph import Constant, Graph
from dovetail_protocols.graph_templates import specialize
from dovetail_protocols.plugins.policy import _policy
from dovetail_protocols.records import replace
from dovetail_protocols.tracing import Trace

from . import patterns
from .arguments import Arguments
from .forms import Form, flatten_arrays
from .patterns import Pattern
from .symbolic import Sizes, is_unknown
from .tracer import FunctionTracer

if TYPE_CHECKING:
    from .calls import Call

LIMIT = 256
"""Sets of sizes for which one trace keeps graphs and programs."""
one_at_a_time = threading.RLock()
"""Held while a function is traced or planned: one lock for all, because functions call one another meanwhile."""
LATER = "and this is not its first call"
ALWAYS = "at every call"


class FunctionTrace:
    """What tracing gave, for all calls of one form whose sizes fit `pattern` and the guards of `sizes`.

    `graph` has the arguments' arrays as inputs, then `captures` (values of interpreters around the trace: such a trace
    serves one call only), then the variables; its outputs are the result's arrays, then the values of `assigned`.
    Concrete arrays that the function closed over are constants of the graph. `arguments` are those it was made for,
    with TensorSpecs for arrays, and without objects, which it doesn't keep alive; `signature` is their text.
    """

    def __init__(self, trace: Trace, result: Form, pattern: Pattern, sizes: Sizes, arguments: Arguments) -> None:
        self.graph, self.captures = _with_constants(trace)
        self.result, self.pattern, self.sizes = result, pattern, sizes
        self.signature, self.arguments = arguments.describe(pattern), arguments.with_shapes(pattern)
        self.variables, self.assigned, self.result_count = trace.variables, trace.assigned, trace.result_count
        self.unknown_count = patterns.unknown_count(pattern)
        self._calls: dict[Any, Call] = {}
        self._graphs: dict[tuple[int, ...], Graph] = {}

    def unknown_sizes(self, shapes: Sequence[Sequence[int]]) -> tuple[int, ...] | None:
        """The values of the unknown sizes for given shapes, or None where the trace doesn't serve them."""
        found = patterns.unknown_sizes(self.pattern, shapes)
        return None if found is None or not self.sizes.hold(found) else tuple(found)

    def specialized(self, unknown: tuple[int, ...]) -> Graph:
        """The graph for given values of the unknown sizes."""
        if not self.unknown_count:
            return self.graph
        if any(is_unknown(size) for size in unknown):  # sizes of an outer trace: for this one only
            return specialize(self.graph, partial(self.sizes.substitute, sizes=unknown))
        found = self._graphs.get(unknown)
        if found is None:
            found = specialize(self.graph, partial(self.sizes.substitute, sizes=unknown))
            store(self._graphs, unknown, found, LIMIT)
        return found

    def call(self, unknown: tuple[int, ...], plan: Callable[[FunctionTrace, Graph], Call]) -> Call:
        """The trace made ready to run for given values of the unknown sizes, under the kernel policy in force. One
        thread plans at a time."""
        key = _policy.get(), unknown
        found = self._calls.get(key)
        if found is None:
            with one_at_a_time:
                found = self._calls.get(key)
                if found is None:
                    with interpreting(None):
                        found = plan(self, self.specialized(unknown))
                    store(self._calls, key, found, LIMIT)
        return found

    def forget_calls(self) -> None:
        """Drops what was planned."""
        self._calls.clear()


def trace_arguments(
    function: Callable[..., Any], arguments: Arguments, pattern: Pattern, *, name: str, may_create: bool
) -> FunctionTrace:
    """Traces a call of a function; a second time if it made variables, so that none of their initialization stays.

    Raises: whatever the function raises; TraceError where a variable is made that may not be.
    """
    attempt = _Attempt(function, arguments, pattern, name)
    first, *others = patterns.hints(pattern, arguments.shapes)
    try:
        return attempt.trace(first, may_create)
    except ShapeError:
        for hints in others:  # sizes that a TensorSpec leaves open may have to be equal
            try:
                return attempt.trace(hints, may_create)
            except ShapeError:
                continue
        raise


def store(table: dict[Any, Any], key: Any, value: Any, limit: int) -> None:
    """Enters something under a key, into a table that is emptied when it is full."""
    if len(table) >= limit:
        table.clear()
    table[key] = value


class _Attempt:
    """A call to be traced."""

    def __init__(self, function: Callable[..., Any], arguments: Arguments, pattern: Pattern, name: str) -> None:
        self.function, self.arguments, self.pattern, self.name = function, arguments, pattern, name

    def trace(self, hints: Sequence[int], may_create: bool) -> FunctionTrace:
        """The trace, with hints for unknown sizes."""
        tracer, trace = self._once(hints, None if may_create else LATER)
        if tracer.created:
            _, trace = self._once(hints, ALWAYS)
        return trace

    def _once(self, hints: Sequence[int], refusal: str | None) -> tuple[FunctionTracer, FunctionTrace]:
        tracer, sizes = FunctionTracer(self.name, current(), refusal), Sizes(hints)
        metas = patterns.symbolic_metas(self.pattern, self.arguments.metas, sizes)
        try:
            with telling(tracer.variable_created), interpreting(tracer):
                named = zip(metas, self.arguments.names(), strict=True)
                args, kwargs = self.arguments.rebuild([tracer.argument(meta, label) for meta, label in named])
                results, form = flatten_arrays(self.function(*args, **kwargs))
                trace = tracer.close(results)
        finally:
            tracer.is_open = sizes.is_open = False
        return tracer, FunctionTrace(trace, form, self.pattern, sizes, self.arguments)


def _with_constants(trace: Trace) -> tuple[Graph, list[Any]]:
    """The graph with captured concrete arrays as constants, and the captures that remain inputs."""
    first, graph = trace.argument_count, trace.graph
    last = first + len(trace.captures)
    captured = list(zip(graph.inputs[first:last], trace.captures, strict=True))
    symbolic = [(value, array) for value, array in captured if hasattr(array.payload, "concretize")]
    constants = tuple(Constant(value, array) for value, array in captured if not hasattr(array.payload, "concretize"))
    inputs = (*graph.inputs[:first], *(value for value, _ in symbolic), *graph.inputs[last:])
    states = tuple(replace(state, input=state.input - len(constants)) for state in graph.states)
    return replace(graph, inputs=inputs, constants=constants, states=states), [array for _, array in symbolic]
