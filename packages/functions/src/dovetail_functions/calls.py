"""Calling a trace: its program on buffers, or its graph under the interpreter in force."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from dovetail_protocols.device_abilities import donates
from dovetail_protocols.dispatch import apply
from dovetail_protocols.graph import Graph, evaluate
from dovetail_protocols.operations import assign_variable, read_variable
from dovetail_protocols.roles import SupportsTaking

from .execution.kernels import wrapper
from .execution.planning import Planned
from .states import States, copying
from .traces import FunctionTrace


class Call:
    """A trace made ready for arguments of known sizes: call it with the arrays among the arguments.

    Variables are read when it is called. Those that it assigns get their new values at the end, all of them or, where
    anything raises, none.
    """

    __slots__ = ("_rebuild", "_states", "_wrappers", "graph", "placements", "program")

    def __init__(self, trace: FunctionTrace, graph: Graph, plan: Callable[[Graph, frozenset[int]], Planned]) -> None:
        """`plan` makes programs of graphs, which may overwrite the inputs that it is told."""
        first = len(graph.inputs) - len(trace.variables)
        taking = [place for place, variable in enumerate(trace.variables) if _can_give(variable)]
        planned = plan(graph, frozenset(first + place for place in taking))
        self.graph, self.program, self.placements = graph, planned.program, planned.placements
        copies = {place - first: copying(graph.inputs[place].meta) for place in planned.donated}
        self._states = States(trace.variables, trace.assigned, copies) if trace.variables else None
        self._wrappers = [wrapper(value.meta) for value in graph.outputs[: trace.result_count]]
        self._rebuild = None if trace.result.is_single else trace.result.rebuild

    def __call__(self, arrays: Sequence[Any]) -> Any:
        buffers = [array.payload for array in arrays]
        if not _buffer_kinds.issuperset(map(type, buffers)):
            _check_buffers(buffers)
        run, states = self.program.run, self._states
        outputs = run(*buffers) if states is None else states.run(run, buffers)
        if self._rebuild is None:
            return self._wrappers[0](outputs[0])
        return self._rebuild([wrap(buffer) for wrap, buffer in zip(self._wrappers, outputs, strict=False)])


def _can_give(variable: Any) -> bool:
    """Whether a variable's buffer may be given away, to be overwritten."""
    kind = variable.meta.device.kind
    return isinstance(variable, SupportsTaking) and (kind == "cpu" or donates(kind))


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
