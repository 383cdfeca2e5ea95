"""What compilers claim of a graph, checked before any of it is compiled."""

from __future__ import annotations

from typing import Any

from dovetail_protocols.errors import PluginError
from dovetail_protocols.graph import Graph
from dovetail_protocols.plugins.telling import tell
from dovetail_protocols.records import record

from .discovery import FoundCompiler
from .ordering import between, dependencies, order_parts


@record
class Part:
    """A sound claim: the compiler, and the positions of the nodes that it takes."""

    compiler: FoundCompiler
    nodes: frozenset[int]


class Refusals:
    """What is told when nodes that a compiler might have taken run one by one: each thing once, as a warning, or under
    `strict` as an error."""

    def __init__(self, *, strict: bool) -> None:
        self.strict = strict
        self._told: set[str] = set()

    def tell(
        self, what: str, *, nodes: str | None = None, cause: str | None = None, error: BaseException | None = None
    ) -> None:
        """Warns that nodes are not compiled.

        Raises: PluginError under `strict`.
        """
        told = PluginError(
            what,
            where=None if nodes is None else f"nodes {nodes}",
            cause=cause if error is None else f"{type(error).__name__}: {error}",
            effect="the function is not run" if self.strict else "these nodes run one by one",
            fix="report it to the compiler's package, or name other compilers with function(compilers=[...])",
        )
        if self.strict:
            raise told from error
        if str(told) not in self._told:
            self._told.add(str(told))
            tell(str(told))


class Offers:
    """What became of offering a graph to compilers: the parts they take, and why they left the other nodes."""

    def __init__(self, graph: Graph, refusals: Refusals) -> None:
        self.graph, self.refusals = graph, refusals
        self.parts: list[Part] = []
        self.reasons: dict[int, list[str]] = {}
        self._needed = dependencies(graph)

    @property
    def taken(self) -> frozenset[int]:
        """The positions of all nodes that are taken."""
        return frozenset(place for part in self.parts for place in part.nodes)

    def offer(self, found: FoundCompiler) -> None:
        """Offers the graph to one compiler. Nodes that an earlier one took stay with it.

        Raises: PluginError under `strict` for what otherwise only warns: a claim that can't stand, or a compiler that
        fails.
        """
        try:
            claims = [(frozenset(claim.nodes), tuple(claim.refused)) for claim in found.compiler.claim(self.graph)]
        except Exception as error:  # noqa: BLE001 - whatever a plug-in raises, its nodes run otherwise
            self.refusals.tell(f"compiler {found.name!r} failed to claim", error=error)
            return
        others = self.taken
        for nodes, refused in claims:
            for place, reason in refused:
                self.reasons.setdefault(place, []).append(f"{found.name}: {reason}")
            if nodes & others:
                for place in nodes - others:
                    self.reasons.setdefault(place, []).append(f"{found.name}: its claim overlaps another compiler's")
            elif nodes:
                self._accept(found, nodes)

    def _accept(self, found: FoundCompiler, nodes: frozenset[int]) -> None:
        problem = self._problem(found, nodes)
        if problem is None:
            self.parts.append(Part(found, nodes))
            return
        shown = describe_nodes(self.graph, nodes)
        self.refusals.tell(f"a claim of compiler {found.name!r} is refused", nodes=shown, cause=problem)
        for place in nodes & frozenset(range(len(self.graph.nodes))):
            self.reasons.setdefault(place, []).append(f"{found.name}: claim refused: {problem}")

    def _problem(self, found: FoundCompiler, nodes: frozenset[int]) -> str | None:
        outside = nodes - frozenset(range(len(self.graph.nodes)))
        if outside:
            return f"the graph has no node {min(map(str, outside))}"
        if nodes & self.taken:
            return f"it claims nodes twice: {describe_nodes(self.graph, nodes & self.taken)}"
        path = between(nodes, self._needed)
        if path:
            return f"it is not convex: {describe_nodes(self.graph, path)} come in between"
        if order_parts([*(part.nodes for part in self.parts), nodes], self._needed) is None:
            return "it and an earlier claim wait for one another"
        return None


def describe_nodes(graph: Graph, places: Any) -> str:
    """Nodes for a reader: "2 multiply, 5 tanh"; of many, the first few."""
    shown = [
        f"{place} {graph.nodes[place].operation.short_name}" if place in range(len(graph.nodes)) else f"{place}"
        for place in sorted(places, key=lambda place: (str(type(place)), place))
    ]
    more = f" and {len(shown) - 6} more" if len(shown) > 6 else ""
    return ", ".join(shown[:6]) + more
