"""Which variables' buffers a compiled part of a graph may overwrite in place: docs/decisions, "Donated buffers".

A buffer is donated only where nothing can go wrong after the part began to write, and nobody else can see it: the part
runs last, all uses of the variable's value are inside of it, and it gives the variable's new value.
"""

from __future__ import annotations

from collections.abc import Collection

from dovetail_protocols.graph import Graph


def donated_inputs(graph: Graph, donatable: Collection[int], last: Collection[int]) -> frozenset[int]:
    """The inputs of a graph, of those that its caller can donate, which the part that runs last may overwrite; `last`
    has the positions of its nodes."""
    made = {value.number for place in last for value in graph.nodes[place].outputs}
    used_elsewhere = {value.number for value in graph.outputs}
    for place, node in enumerate(graph.nodes):
        if place not in last:
            used_elsewhere |= {value.number for value in node.inputs if value is not None}
    return frozenset(
        state.input
        for state in graph.states
        if state.input in donatable
        and state.output is not None
        and graph.outputs[state.output].number in made
        and graph.inputs[state.input].number not in used_elsewhere
    )
