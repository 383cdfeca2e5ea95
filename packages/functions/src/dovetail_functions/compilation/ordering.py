"""The order in which parts of a graph can run, when sets of its nodes become one part each."""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterable, Sequence

from dovetail_protocols.graph import Graph

from ..effects import has_effect


def dependencies(graph: Graph) -> list[set[int]]:
    """For each node, the positions of the nodes that must run before it: those whose results it takes, and for an
    operation with an effect the one with an effect before it."""
    producer = {value.number: place for place, node in enumerate(graph.nodes) for value in node.outputs}
    needed: list[set[int]] = []
    last_effect: int | None = None
    for place, node in enumerate(graph.nodes):
        before = {producer[v.number] for v in node.inputs if v is not None and v.number in producer}
        if has_effect(node):
            if last_effect is not None:
                before.add(last_effect)
            last_effect = place
        needed.append(before)
    return needed


def between(nodes: Collection[int], needed: Sequence[Collection[int]]) -> list[int]:
    """The nodes on paths that leave a set of nodes and come back: none where the set is convex."""
    after = _closure(nodes, _users(needed))
    before = _closure(nodes, needed)
    return sorted((after & before) - set(nodes))


def _users(needed: Sequence[Iterable[int]]) -> list[set[int]]:
    users: list[set[int]] = [set() for _ in needed]
    for place, before in enumerate(needed):
        for one in before:
            users[one].add(place)
    return users


def _closure(start: Iterable[int], neighbors: Sequence[Iterable[int]]) -> set[int]:
    reached: set[int] = set()
    pending = list(start)
    while pending:
        for place in neighbors[pending.pop()]:
            if place not in reached:
                reached.add(place)
                pending.append(place)
    return reached


def order_parts(parts: Sequence[frozenset[int]], needed: Sequence[Collection[int]]) -> list[list[int]] | None:
    """Parts and single nodes in an order in which they can run, near the graph's own, each as the positions of its
    nodes; None where parts wait for one another."""
    group = {place: number for number, part in enumerate(parts) for place in part}
    key = [min(parts[group[place]]) if place in group else place for place in range(len(needed))]
    members: dict[int, list[int]] = {}
    for place, first in enumerate(key):
        members.setdefault(first, []).append(place)
    waits = {first: {key[b] for place in places for b in needed[place]} - {first} for first, places in members.items()}
    users: dict[int, list[int]] = {}
    for first, before in waits.items():
        for one in before:
            users.setdefault(one, []).append(first)
    ready = [first for first, before in waits.items() if not before]
    heapq.heapify(ready)
    ordered: list[list[int]] = []
    while ready:
        done = heapq.heappop(ready)
        ordered.append(members[done])
        for user in users.get(done, ()):
            waits[user].discard(done)
            if not waits[user]:
                heapq.heappush(ready, user)
    return ordered if len(ordered) == len(members) else None
