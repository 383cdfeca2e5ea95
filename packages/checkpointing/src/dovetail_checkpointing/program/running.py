"""A loaded trace: whether it takes some arguments, and running it."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from dovetail_protocols.boundary import array_for
from dovetail_protocols.dispatch import apply
from dovetail_protocols.functions import ExportedFunction
from dovetail_protocols.graph import Graph, evaluate
from dovetail_protocols.operations import assign_variable, read_variable
from dovetail_protocols.roles import VariableLike

from . import structures
from .records import FunctionRecord

LIMIT = 256
"""Sets of sizes for which a trace keeps its graph."""
Wrap = Callable[[Callable[..., Any], str], Callable[..., Any]]
"""Makes of a function of arrays, with its name, one that gives the same."""


class LoadedTrace:
    """A trace that was loaded, with its variables. It runs through the dispatch waist, so that tapes and tracers see
    it, or as what `wrap` makes of that, from the first call on."""

    def __init__(self, record: FunctionRecord, variables: Sequence[VariableLike], wrap: Wrap) -> None:
        self.record, self.inputs, self.variables = record, record.inputs, tuple(variables)
        states = record.template.graph.states
        assigned = sorted((s.output, place) for place, s in enumerate(states) if s.output is not None)
        self._assigned = [self.variables[place] for _, place in assigned]
        self._result_count = len(record.template.graph.outputs) - len(assigned)
        self._graphs: dict[tuple[int, ...], Graph] = {}
        self._wrap = wrap
        self._wrapped: Callable[..., Any] | None = None

    def arrays_of(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> list[Any] | None:
        """The arrays among the arguments of a call as Python writes it, or None where the trace doesn't take them."""
        if self.record.convention is not None:
            try:
                bound = self.record.convention.bind(*args, **kwargs)
            except TypeError:
                return None
            bound.apply_defaults()
            args, kwargs = bound.args, bound.kwargs
        values: dict[int, Any] = {}

        def take(number: int, value: Any) -> bool:
            values[number] = value
            return True

        if not structures.take_apart(self.record.arguments, (args, dict(kwargs)), take):
            return None
        return self.accepted([values[number] for number in range(len(values))])

    def accepted(self, values: Sequence[Any]) -> list[Any] | None:
        """The values as arrays, in order of the inputs, or None where the trace doesn't take them."""
        if len(values) != len(self.inputs):
            return None
        arrays = [array_for(value, one.dtype, one.device) for value, one in zip(values, self.inputs, strict=True)]
        if any(array is None or not one.accepts(array.meta) for array, one in zip(arrays, self.inputs, strict=True)):
            return None
        return arrays if self.record.template.serves(self._sizes(arrays)) else None

    def __deepcopy__(self, memo: dict[int, Any]) -> LoadedTrace:
        """The trace with copies of its variables; what it does is the same data."""
        return LoadedTrace(self.record, copy.deepcopy(self.variables, memo), self._wrap)

    def exported(self) -> ExportedFunction:
        """The trace as it was exported, with the variables that it has here."""
        record = self.record
        return ExportedFunction(
            record.name,
            record.convention,
            record.arguments,
            record.input_names,
            record.result,
            record.template,
            self.variables,
        )

    def run(self, arrays: Sequence[Any]) -> Sequence[Any]:
        """The arrays of the result. Variables that it assigns get their new values at the end."""
        if self._wrapped is None:
            self._wrapped = self._wrap(self._evaluate, self.record.name)
        results: Sequence[Any] = self._wrapped(*arrays)
        return results

    def _evaluate(self, *arrays: Any) -> tuple[Any, ...]:
        values = [apply(read_variable, (variable,), {}) for variable in self.variables]
        outputs = evaluate(self._graph(self._sizes(arrays)), (*arrays, *values))
        for variable, new in zip(self._assigned, outputs[self._result_count :], strict=True):
            apply(assign_variable, (variable, new), {})
        return outputs[: self._result_count]

    def _sizes(self, arrays: Sequence[Any]) -> tuple[Any, ...]:
        """The unknown sizes, in order. Inside of a trace they may be unknown there too."""
        pairs = zip(arrays, self.inputs, strict=True)
        return tuple(
            size for array, one in pairs for size, known in zip(array.shape, one.shape, strict=True) if known is None
        )

    def _graph(self, sizes: tuple[Any, ...]) -> Graph:
        if any(type(size) is not int for size in sizes):  # an outer trace's own, which no table may compare
            return self.record.template.specialized(sizes)
        found = self._graphs.get(sizes)
        if found is None:
            if len(self._graphs) >= LIMIT:
                self._graphs.clear()
            found = self._graphs[sizes] = self.record.template.specialized(sizes)
        return found
