"""Parts of a graph as graphs of their own."""

from __future__ import annotations

from collections.abc import Sequence

from dovetail_protocols.graph import Graph, State, Value


def cut(graph: Graph, places: Sequence[int], name: str) -> Graph:
    """The nodes at the given positions, in order, as a graph.

    Its inputs are the values from outside that they use, in order of use; its outputs those that are used outside.
    Constants come with it. A variable whose value is an input, and whose new value an output, is a state of it.
    """
    inside = set(places)
    nodes = tuple(graph.nodes[place] for place in sorted(inside))
    made = {value.number for node in nodes for value in node.outputs}
    constant_numbers = {constant.value.number for constant in graph.constants}
    used: dict[int, Value] = {v.number: v for node in nodes for v in node.inputs if v is not None}
    inputs = tuple(v for number, v in used.items() if number not in made and number not in constant_numbers)
    wanted = {value.number for value in graph.outputs}
    for place, node in enumerate(graph.nodes):
        if place not in inside:
            wanted |= {value.number for value in node.inputs if value is not None}
    outputs = tuple(value for node in nodes for value in node.outputs if value.number in wanted)
    constants = tuple(constant for constant in graph.constants if constant.value.number in used)
    return Graph(name, inputs, nodes, outputs, constants, _states(graph, inputs, outputs))


def _states(graph: Graph, inputs: tuple[Value, ...], outputs: tuple[Value, ...]) -> tuple[State, ...]:
    input_places = {value.number: place for place, value in enumerate(inputs)}
    output_places = {value.number: place for place, value in enumerate(outputs)}
    states = []
    for state in graph.states:
        place = input_places.get(graph.inputs[state.input].number)
        if place is not None:
            after = None if state.output is None else output_places.get(graph.outputs[state.output].number)
            states.append(State(state.name, place, after))
    return tuple(states)
