"""The order in which the parts of a graph run, and graphs cut out of graphs."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dovetail_functions import function
from dovetail_functions.compilation.claims import Offers, Refusals
from dovetail_functions.compilation.ordering import between, dependencies, order_parts
from dovetail_protocols import operations as ops
from dovetail_protocols.graph_parts import cut
from dovetail_protocols.graph_validation import validate

X = np.linspace(-1.0, 1.0, 6, dtype=np.float32).reshape(2, 3)


def chain(x: Any) -> Any:
    return ops.sum(ops.exp(ops.tanh(x) * x + 2.0), axis=1)


EDGES = st.lists(st.sets(st.integers(0, 11)), min_size=1, max_size=12).map(
    lambda rows: [{place for place in row if place < number} for number, row in enumerate(rows)]
)


def reaches(needed: Sequence[Collection[int]], start: int, goal: int) -> bool:
    return start in needed[goal] or any(reaches(needed, start, before) for before in needed[goal])


@given(EDGES, st.sets(st.integers(0, 11)))
def test_between_finds_the_nodes_on_paths_that_leave_a_set(needed: list[set[int]], chosen: set[int]) -> None:
    nodes = {place for place in chosen if place < len(needed)}
    expected = [
        place
        for place in range(len(needed))
        if place not in nodes
        and any(reaches(needed, one, place) for one in nodes)
        and any(reaches(needed, place, other) for other in nodes)
    ]
    assert between(nodes, needed) == expected


@given(EDGES, st.lists(st.integers(0, 3), min_size=12, max_size=12))
def test_parts_run_after_what_they_need_or_are_refused(needed: list[set[int]], colors: list[int]) -> None:
    parts = [frozenset(p for p in range(len(needed)) if colors[p] == color) for color in (1, 2, 3)]
    parts = [part for part in parts if part]
    ordered = order_parts(parts, needed)
    if ordered is None:
        group = {place: number for number, part in enumerate(parts) for place in part}
        assert any(  # some part waits for itself, directly or through others
            reaches_group(needed, group, number, number) for number in range(len(parts))
        )
        return
    position = {place: step for step, places in enumerate(ordered) for place in places}
    assert sorted(position) == list(range(len(needed)))
    for place, before in enumerate(needed):
        for one in before:
            assert position[one] < position[place] or (position[one] == position[place] and one < place)
    for part in parts:
        assert len({position[place] for place in part}) == 1


def reaches_group(needed: Sequence[Collection[int]], group: dict[int, int], start: int, goal: int) -> bool:
    """Whether a part depends on another through at least one step outside of it, where parts move as one."""
    pending = [(place, False) for place in range(len(needed)) if group.get(place) == goal]
    seen = set(pending)
    while pending:
        place, left = pending.pop()
        for before in needed[place]:
            outside = left or group.get(before) != goal
            if outside and group.get(before) == start:
                return True
            same = [p for p in range(len(needed)) if group.get(before) is not None and group.get(p) == group[before]]
            for step in {(before, outside), *((p, outside) for p in same)}:
                if step not in seen:
                    seen.add(step)
                    pending.append(step)
    return False


def test_a_cut_graph_has_what_crosses_its_border() -> None:
    graph = function(chain).graph(X)
    part = cut(graph, [1, 2], "part")
    validate(part)
    assert [value.number for value in part.inputs] == [graph.nodes[0].outputs[0].number, graph.inputs[0].number]
    assert part.outputs == graph.nodes[2].outputs
    assert dependencies(graph) == [set(), {0}, {1}, {2}, {3}]
    assert Offers(graph, Refusals(strict=True)).taken == frozenset()
