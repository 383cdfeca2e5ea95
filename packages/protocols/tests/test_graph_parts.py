"""Sets of nodes that can run as one, and such a set as a graph of its own."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from dovetail_protocols import dtypes as dt
from dovetail_protocols import operations as ops
from dovetail_protocols.graph import Graph, Node, State, Value
from dovetail_protocols.graph_parts import convex_parts, cut, has_effect
from dovetail_protocols.graph_validation import validate
from dovetail_protocols.metas import TensorMeta

META = TensorMeta((2,), dt.float32)
EDGES = st.integers(1, 12).flatmap(
    lambda size: st.tuples(
        st.lists(st.tuples(st.integers(0, 99), st.integers(0, 99)), min_size=size, max_size=size),
        st.lists(st.booleans(), min_size=size, max_size=size),
    )
)


def graph_of(pairs: Sequence[tuple[int, int]]) -> Graph:
    """Additions, each of two of the values before it; every value that nothing uses is an output."""
    values = [Value(0, META)]
    nodes = []
    for one, other in pairs:
        operands = (values[one % len(values)], values[other % len(values)])
        values.append(Value(len(values), META))
        nodes.append(Node(ops.add, operands, (values[-1],), {}))
    used = {value.number for node in nodes for value in node.inputs if value is not None}
    outputs = tuple(value for value in values[1:] if value.number not in used)
    return Graph("drawn", (values[0],), tuple(nodes), outputs)


def reached(graph: Graph, start: int) -> set[int]:
    """The nodes that need a node, itself not."""
    found: set[int] = set()
    pending = [start]
    while pending:
        numbers = {value.number for value in graph.nodes[pending.pop()].outputs}
        for place, node in enumerate(graph.nodes):
            if place not in found and any(value is not None and value.number in numbers for value in node.inputs):
                found.add(place)
                pending.append(place)
    return found


@given(EDGES)
def test_parts_are_what_is_taken_disjoint_convex_and_wait_for_none_that_waits_for_them(
    drawn: tuple[list[tuple[int, int]], list[bool]],
) -> None:
    pairs, taken = drawn
    graph = graph_of(pairs)
    parts = convex_parts(graph, taken)
    places = [place for part in parts for place in part]
    assert sorted(places) == [place for place, is_taken in enumerate(taken) if is_taken]
    after = [reached(graph, place) for place in range(len(pairs))]
    for part in parts:
        outside = set(range(len(pairs))) - part
        assert not any(middle in after[one] and after[middle] & part for one in part for middle in outside)
    needs = [{number for number, other in enumerate(parts) if any(after[p] & part for p in other)} for part in parts]
    done: set[int] = set()
    while len(done) < len(parts):
        ready = {number for number, needed in enumerate(needs) if number not in done and needed <= done | {number}}
        assert ready, "parts wait for one another in a circle"
        done |= ready


def test_all_that_is_taken_is_one_part() -> None:
    graph = graph_of([(0, 0), (0, 1), (1, 2)])
    assert convex_parts(graph, [True] * 3) == [frozenset({0, 1, 2})]
    assert convex_parts(graph, [False] * 3) == []


def test_what_has_an_effect_keeps_its_order_as_if_by_a_path() -> None:
    x, one, two = (Value(number, META) for number in range(3))
    write = Node(ops.print, (x,), (), {"format": "{}", "end": "", "stream": "stdout"})
    nodes = (Node(ops.tanh, (x,), (one,), {}), write, write, Node(ops.tanh, (x,), (two,), {}))
    graph = Graph("printing", (x,), nodes, ())
    assert has_effect(write)
    assert convex_parts(graph, [True, True, False, True]) == [frozenset({0, 1, 3})]
    assert convex_parts(graph, [True, False, True, True]) == [frozenset({0, 3}), frozenset({2})]


@given(EDGES)
def test_a_cut_part_is_a_sound_graph_with_what_crosses_its_border(
    drawn: tuple[list[tuple[int, int]], list[bool]],
) -> None:
    pairs, taken = drawn
    graph = graph_of(pairs)
    for part in convex_parts(graph, taken):
        piece = cut(graph, part, "piece")
        validate(piece)
        inside = {value.number for place in part for value in graph.nodes[place].outputs}
        used_outside = {
            value.number
            for place, node in enumerate(graph.nodes)
            if place not in part
            for value in node.inputs
            if value is not None
        }
        wanted = inside & (used_outside | {value.number for value in graph.outputs})
        assert {value.number for value in piece.outputs} == wanted
        assert not {value.number for value in piece.inputs} & inside


def test_a_variable_is_a_state_of_the_part_that_has_both_its_ends() -> None:
    graph = graph_of([(0, 0), (1, 1)])
    graph = Graph("state", graph.inputs, graph.nodes, graph.outputs, (), (State("weight", 0, 0),))
    assert cut(graph, [0, 1], "whole").states == (State("weight", 0, 0),)
    assert cut(graph, [0], "first").states == (State("weight", 0, None),)
    assert cut(graph, [1], "second").states == ()
