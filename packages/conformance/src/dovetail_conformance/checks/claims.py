"""L1 of compilers: what they claim of a graph is there, convex and disjoint, refusals have a reason, and nothing is
compiled while claiming."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from unittest import mock

from dovetail_protocols.compilers import Compiler
from dovetail_protocols.graph import Graph

_watched: list[str] | None = None
_is_listening = False


def problems(compiler: Compiler, graph: Graph) -> list[str]:
    """What is wrong with what a compiler claims of a graph."""
    first = compiler.claim(graph)  # whatever it imports at first need is no compiling
    with work(compiler) as done:
        claims = compiler.claim(graph)
    found = [f"does more than look while claiming: it {what}" for what in dict.fromkeys(done)]
    if _as_data(claims) != _as_data(first):
        found.append("claims other nodes when it is asked again")
    return found + claim_problems(graph, claims)


def _as_data(claims: Sequence[Any]) -> list[Any]:
    return [(frozenset(claim.nodes), tuple(claim.refused)) for claim in claims]


def claim_problems(graph: Graph, claims: Sequence[Any]) -> list[str]:
    """What is wrong with claims as they stand."""
    known = frozenset(range(len(graph.nodes)))
    needed = _needed(graph)
    found: list[str] = []
    taken: set[int] = set()
    for claim in claims:
        nodes = frozenset(claim.nodes)
        if not nodes <= known:
            found.append(f"claims nodes {sorted(nodes - known)}, which the graph of {len(known)} nodes doesn't have")
            continue
        if nodes & taken:
            found.append(f"claims twice: {_shown(graph, nodes & taken)}")
        taken |= nodes
        path = _between(nodes, needed)
        if path:
            found.append(f"claims {_shown(graph, nodes)}, which is not convex: {_shown(graph, path)} come in between")
    if not found and _wait_in_a_circle([frozenset(claim.nodes) for claim in claims], needed):
        found.append("claims sets of nodes that wait for one another")
    return found + _refusal_problems(graph, claims, taken)


def _refusal_problems(graph: Graph, claims: Sequence[Any], taken: Collection[int]) -> list[str]:
    found = []
    for place, reason in (refusal for claim in claims for refusal in claim.refused):
        if place not in range(len(graph.nodes)):
            found.append(f"refuses node {place}, which the graph doesn't have")
        elif not isinstance(reason, str) or not reason.strip():
            found.append(f"refuses {_shown(graph, [place])} without a reason")
        elif place in taken:
            found.append(f"claims and refuses {_shown(graph, [place])}")
    return found


def _shown(graph: Graph, places: Collection[int]) -> str:
    return ", ".join(f"{place} {graph.nodes[place].operation.short_name}" for place in sorted(places))


def _needed(graph: Graph) -> list[set[int]]:
    """For each node, the positions of those whose results it takes."""
    producer = {value.number: place for place, node in enumerate(graph.nodes) for value in node.outputs}
    return [
        {producer[value.number] for value in node.inputs if value is not None and value.number in producer}
        for node in graph.nodes
    ]


def _between(nodes: frozenset[int], needed: Sequence[Collection[int]]) -> set[int]:
    """The nodes on paths that leave a set and come back. Positions are in an order that paths follow."""
    after: set[int] = set()
    for place, before in enumerate(needed):
        if any(one in nodes or one in after for one in before):
            after.add(place)
    before_them: set[int] = set()
    for place in reversed(range(len(needed))):
        if place in nodes or place in before_them:
            before_them.update(needed[place])
    return (after & before_them) - nodes


def _wait_in_a_circle(parts: Sequence[frozenset[int]], needed: Sequence[Collection[int]]) -> bool:
    """Whether no order runs each part at once, and single nodes between; what could run is taken away in turn."""
    groups = [part for part in parts if part]
    groups += [frozenset([place]) for place in range(len(needed)) if not any(place in part for part in parts)]
    done: set[int] = set()
    while groups:
        ready = [part for part in groups if all(set(needed[place]) <= done | part for place in part)]
        if not ready:
            return True
        done |= {place for part in ready for place in part}
        groups = [part for part in groups if part not in ready]
    return False


@contextmanager
def work(compiler: Compiler) -> Iterator[list[str]]:
    """Notes what a compiler does that is more than looking: `compile` called, processes started, files written."""
    global _watched, _is_listening
    if not _is_listening:
        _is_listening = True
        sys.addaudithook(_hear)  # stays for the life of the process, silent unless something is watched
    done: list[str] = []
    compiling = compiler.compile

    def noted(*given: Any) -> Any:
        done.append("called its compile()")
        return compiling(*given)

    # Where the object has slots, its class holds `compile`.
    holder, stand_in = (compiler, noted) if hasattr(compiler, "__dict__") else (type(compiler), staticmethod(noted))
    _watched = done
    try:
        with mock.patch.object(holder, "compile", stand_in):
            yield done
    finally:
        _watched = None


def _hear(event: str, given: tuple[Any, ...]) -> None:
    if _watched is None:
        return
    if event in ("subprocess.Popen", "os.posix_spawn", "os.fork", "os.exec", "os.system"):
        _watched.append("started a process")
    elif event == "open" and isinstance(given[1], str) and set(given[1]) & set("wax+"):
        _watched.append(f"wrote the file {given[0]}")
