"""One trace of a function: its graph, the variables it reads and assigns, and the form of its result."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from dovetail_protocols.creation import telling
from dovetail_protocols.dispatch import current, interpreting
from dovetail_protocols.graph import Constant, Graph
from dovetail_protocols.metas import TensorMeta
from dovetail_protocols.tracing import Trace

from . import patterns
from .arguments import Arguments
from .patterns import Pattern
from .results import ResultForm, flatten_result
from .specialization import specialize
from .symbolic import Sizes
from .tracer import FunctionTracer

LATER = "and this is not its first call"
ALWAYS = "at every call"


class FunctionTrace:
    """What tracing gave, for all calls of one form whose sizes fit `pattern` and the guards of `sizes`.

    `graph` has the arguments' arrays as inputs, then `captures` (values of interpreters around the trace: such a trace
    serves one call only), then the variables; its outputs are the result's arrays, then the values of `assigned`.
    Concrete arrays that the function closed over are constants of the graph.
    """

    def __init__(
        self, trace: Trace, graph: Graph, captures: list[Any], result: ResultForm, pattern: Pattern, sizes: Sizes
    ):
        self.graph, self.captures, self.result, self.pattern, self.sizes = graph, captures, result, pattern, sizes
        self.variables, self.assigned, self.result_count = trace.variables, trace.assigned, trace.result_count
        self.unknown_count = patterns.unknown_count(pattern)

    def unknown_sizes(self, shapes: Sequence[Sequence[int]]) -> tuple[int, ...] | None:
        """The values of the unknown sizes for given shapes, or None where the trace doesn't serve them."""
        found = patterns.unknown_sizes(self.pattern, shapes)
        return None if found is None or not self.sizes.hold(found) else tuple(found)

    def specialized(self, unknown: Sequence[int]) -> Graph:
        """The graph for given values of the unknown sizes."""
        return specialize(self.graph, self.sizes, unknown) if self.unknown_count else self.graph


def trace_arguments(
    function: Callable[..., Any],
    arguments: Arguments,
    pattern: Pattern,
    hints: Sequence[int],
    *,
    name: str,
    names: Sequence[str],
    may_create: bool,
) -> tuple[FunctionTrace, bool]:
    """Traces a call of a function, a second time if it made variables; says whether it did.

    Raises: whatever the function raises; TraceError where a variable is made that may not be.
    """
    tracer, trace = _trace_once(function, arguments, pattern, hints, name, names, None if may_create else LATER)
    if not tracer.created:
        return trace, False
    _, trace = _trace_once(function, arguments, pattern, hints, name, names, ALWAYS)
    return trace, True


def _trace_once(
    function: Callable[..., Any],
    arguments: Arguments,
    pattern: Pattern,
    hints: Sequence[int],
    name: str,
    names: Sequence[str],
    refusal: str | None,
) -> tuple[FunctionTracer, FunctionTrace]:
    tracer = FunctionTracer(name, current(), refusal)
    sizes = Sizes(hints)
    metas: list[TensorMeta] = [array.meta for array in arguments.arrays]
    symbolic = patterns.symbolic_metas(pattern, metas, sizes)
    try:
        with telling(tracer.variable_created), interpreting(tracer):
            arrays = [tracer.argument(meta, label) for meta, label in zip(symbolic, names, strict=True)]
            args, kwargs = arguments.rebuild(arrays)
            results, form = flatten_result(function(*args, **kwargs))
            trace = tracer.close(results)
    finally:
        tracer.is_open = sizes.is_open = False
    graph, captures = _with_constants(trace)
    return tracer, FunctionTrace(trace, graph, captures, form, pattern, sizes)


def _with_constants(trace: Trace) -> tuple[Graph, list[Any]]:
    """The graph with captured concrete arrays as constants, and the captures that remain inputs."""
    first = trace.argument_count
    values = trace.graph.inputs[first : first + len(trace.captures)]
    captured = list(zip(values, trace.captures, strict=True))
    symbolic = [(value, array) for value, array in captured if hasattr(array.payload, "concretize")]
    constants = tuple(Constant(value, array) for value, array in captured if not hasattr(array.payload, "concretize"))
    inputs = (
        *trace.graph.inputs[:first],
        *(value for value, _ in symbolic),
        *trace.graph.inputs[first + len(captured) :],
    )
    states = tuple(state.replace(input=state.input - len(constants)) for state in trace.graph.states)
    graph = trace.graph.replace(inputs=inputs, constants=constants, states=states)
    return graph, [array for _, array in symbolic]
