"""A maker of traced functions for protocol 1.0. FROZEN: never edit this file (see README.md beside it)."""

from dovetail_protocols import operations as ops
from dovetail_protocols.dispatch import current
from dovetail_protocols.functions import ExportedFunction, Slot
from dovetail_protocols.graph import Constant, Graph, State, evaluate
from dovetail_protocols.graph_templates import GraphTemplate
from dovetail_protocols.tracing import trace

CALLS = []


class Function:
    """Takes arrays, gives a tuple of arrays; one trace for each set of metas."""

    def __init__(self, python_function, name):
        self.python_function, self.name, self.traces = python_function, name, {}

    def __call__(self, *arrays):
        CALLS.append(self.name)
        if current() is not None:
            return tuple(self.python_function(*arrays))
        traced = self.traced(tuple(array.meta for array in arrays))
        values = [ops.read_variable(variable) for variable in traced.variables]
        outputs = evaluate(traced.graph, (*arrays, *traced.captures, *values))
        for variable, new in zip(traced.assigned, outputs[traced.result_count :], strict=True):
            ops.assign_variable(variable, new)
        return outputs[: traced.result_count]

    def traced(self, metas):
        if metas not in self.traces:
            self.traces[metas] = trace(self.python_function, metas, name=self.name)
        return self.traces[metas]

    def get_concrete_function(self, *arrays):
        self.traced(tuple(array.meta for array in arrays))
        return self

    def exported(self):
        return [self.as_data(traced) for traced in self.traces.values()]

    def as_data(self, traced):
        graph, count = traced.graph, traced.argument_count
        last = count + len(traced.captures)
        constants = tuple(map(Constant, graph.inputs[count:last], traced.captures))
        states = tuple(State(state.name, state.input - len(constants), state.output) for state in graph.states)
        inputs = (*graph.inputs[:count], *graph.inputs[last:])
        return ExportedFunction(
            name=self.name,
            convention=None,
            arguments=(tuple(map(Slot, range(count))), {}),
            input_names=tuple(f"x{number}" for number in range(count)),
            result=tuple(map(Slot, range(traced.result_count))),
            template=GraphTemplate(Graph(graph.name, inputs, graph.nodes, graph.outputs, constants, states)),
            variables=traced.variables,
        )


class Maker:
    def function(self, python_function, *, name=None):
        return Function(python_function, name or "function")


MAKER = Maker()
