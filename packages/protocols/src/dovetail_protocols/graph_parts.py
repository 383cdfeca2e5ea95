"""Parts of a graph: which sets of nodes can run as one, and such a set as a graph of its own.

For compilers, and for those who offer them graphs.
"""

from __future__ import annotations

from .graph import Graph, Node, State, Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Sequence


def convex_parts(graph: Graph, taken: Sequence[bool]) -> list[frozenset[int]]:
    """The nodes that are taken, by position, in convex sets that can run one after another, as large as can be told in
    one pass. `taken` says of each node whether it is.

    Nodes are counted by how often a path to them goes from what is taken to what isn't, or back: those with equal
    counts that are taken are one part. Operations with an effect keep their order, which counts as a path.
    """
    made: dict[int, int] = {}
    depth: list[int] = []
    effect: int | None = None
    for place, node in enumerate(graph.nodes):
        before = [made[value.number] for value in node.inputs if value is not None and value.number in made]
        if has_effect(node):
            before += [] if effect is None else [effect]
            effect = place
        start = 0 if taken[place] else 1
        depth.append(max((depth[one] + (taken[place] != taken[one]) for one in before), default=start))
        made.update((value.number, place) for value in node.outputs)
    parts: dict[int, set[int]] = {}
    for place, level in enumerate(depth):
        if taken[place]:
            parts.setdefault(level, set()).add(place)
    return [frozenset(nodes) for nodes in parts.values()]


def has_effect(node: Node) -> bool:
    """Whether a node, or one in a graph that it carries, does something besides giving results."""
    bodies = (body for body in node.attributes.values() if isinstance(body, Graph))
    return node.operation.has_effect or any(has_effect(inner) for body in bodies for inner in body.nodes)


def cut(graph: Graph, places: Collection[int], name: str) -> Graph:
    """The nodes at the given positions, in order, as a graph.

    Its inputs are the values from outside that they use, in order of use; its outputs those that are used outside.
    Constants come with it. A variable whose value is an input, and whose new value an output, is a state of it.
    """
    inside = frozenset(places)
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
