"""Calling a trace: its program on buffers, or its graph under the interpreter in force."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from dovetail_protocols.dispatch import apply
from dovetail_protocols.graph import Graph, evaluate
from dovetail_protocols.operations import assign_variable, read_variable
from dovetail_protocols.roles import SupportsTaking

from .execution.kernels import wrapper
from .execution.planning import Planned
from .states import copying, replace_all, take_buffers
from .traces import FunctionTrace


class Call:
    """A trace made ready for arguments of known sizes: call it with the arrays among the arguments.

    Variables are read when it is called. Those that it assigns get their new values at the end, all of them or, where
    anything raises, none.
    """

    __slots__ = (
        *("assigned", "copies", "graph", "placements", "program", "result"),
        *("result_count", "trace", "variables", "wrappers"),
    )

    def __init__(self, trace: FunctionTrace, graph: Graph, plan: Callable[[Graph, frozenset[int]], Planned]) -> None:
        """`plan` makes programs of graphs, which may overwrite the inputs that it is told."""
        first = len(graph.inputs) - len(trace.variables)
        taking = [place for place, variable in enumerate(trace.variables) if isinstance(variable, SupportsTaking)]
        planned = plan(graph, frozenset(first + place for place in taking))
        self.trace, self.graph, self.program, self.placements = trace, graph, planned.program, planned.placements
        self.variables, self.assigned, self.result = trace.variables, trace.assigned, trace.result
        self.result_count = trace.result_count
        self.wrappers = [wrapper(value.meta) for value in graph.outputs[: trace.result_count]]
        self.copies = {place - first: copying(graph.inputs[place].meta) for place in planned.donated}

    def __call__(self, arrays: Sequence[Any]) -> Any:
        buffers = [array.payload for array in arrays]
        if not _buffer_kinds.issuperset(map(type, buffers)):
            _check_buffers(buffers)
        if self.copies:
            outputs = self._run_donating(buffers)
        else:
            states = [variable.payload for variable in self.variables]
            outputs = self.program(*buffers, *states)
            if self.assigned:
                replace_all(self.assigned, outputs[self.result_count :])
        if self.result.is_single:
            return self.wrappers[0](outputs[0])
        return self.result.rebuild([wrap(buffer) for wrap, buffer in zip(self.wrappers, outputs, strict=False)])

    def _run_donating(self, buffers: Sequence[Any]) -> tuple[Any, ...]:
        """The program's outputs, where it may overwrite the buffers of some variables."""
        states, taken = take_buffers(self.variables, self.copies)
        try:
            outputs = self.program(*buffers, *states)
        except BaseException:
            for variable, buffer in taken:
                variable.replace(buffer)
            raise
        replace_all(self.assigned, outputs[self.result_count :], taken)
        return outputs


_buffer_kinds: set[type] = set()


def _check_buffers(buffers: Sequence[Any]) -> None:
    """Raises LeakedTensorError or ConcretizationError where an argument is symbolic."""
    for buffer in buffers:
        if hasattr(buffer, "concretize"):
            buffer.concretize("a function that is called with it")
        _buffer_kinds.add(type(buffer))


def inline(trace: FunctionTrace, graph: Graph, arrays: Sequence[Any]) -> Any:
    """Evaluates a trace's graph node by node under the interpreter in force; variables are read and assigned under it
    too, the latter at the end."""
    values = [apply(read_variable, (variable,), {}) for variable in trace.variables]
    outputs = evaluate(graph, (*arrays, *trace.captures, *values))
    for variable, new in zip(trace.assigned, outputs[trace.result_count :], strict=True):
        apply(assign_variable, (variable, new), {})
    return trace.result.rebuild(outputs[: trace.result_count])
