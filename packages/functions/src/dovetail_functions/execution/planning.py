"""From a graph of known sizes to a program: parts for compilers, kernels for the rest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from dovetail_protocols.compilers import CompileOptions
from dovetail_protocols.errors import GraphError, PluginError
from dovetail_protocols.graph import Graph
from dovetail_protocols.graph_parts import cut
from dovetail_protocols.records import record

from ..compilation.claims import Offers, Part, Refusals, describe_nodes
from ..compilation.discovery import FoundCompiler, chosen_compilers
from ..compilation.donation import donated_inputs
from ..compilation.ordering import dependencies, order_parts
from .assembly import Assembly, program_of
from .lowering import Lowering
from .placements import Placement
from .program import Program

MAXIMUM_DEPTH = 64
"""Rounds of decomposition: one that never ends is an error of the operations."""


@record
class Planned:
    """A program, and where each node of it runs. It may overwrite the buffers of the graph's inputs `donated`."""

    program: Program
    placements: tuple[Placement, ...]
    donated: frozenset[int] = frozenset()


class Planner:
    """Plans graphs for one choice of compilers: `names` as the user gave them, None for all.

    Under `strict` whatever would leave a node to kernels raises instead.
    """

    def __init__(self, names: Sequence[str] | None = None, *, strict: bool = False) -> None:
        self.refusals = Refusals(strict=strict)
        self.compilers, self.refused = chosen_compilers(names)

    def plan(self, graph: Graph, donatable: frozenset[int] = frozenset()) -> Planned:
        """The program for a graph. `donatable`: the inputs whose buffers the caller can let it overwrite.

        Raises: KernelNotFoundError where a node has neither kernel nor decomposition; PluginError under `strict`.
        """
        failed: list[FoundCompiler] = []  # a compiler that fails at one part of a graph gets no other
        while True:
            lowering, offers = self._settle(graph, [one for one in self.compilers if one not in failed])
            ordered = _ordered(lowering.graph, offers)
            last = next((part.nodes for part in offers.parts if part.nodes == frozenset(ordered[-1])), frozenset())
            donated = donated_inputs(lowering.graph, donatable, last)
            compiled: dict[Part, Callable[..., Any]] = {}
            for part in offers.parts:
                run = self._compile(lowering.graph, part, donated)
                if run is None:
                    failed.append(part.compiler)
                    break
                compiled[part] = run
            else:
                break
        if self.refusals.strict:
            self._require_all(lowering.graph, offers)
        steps, placements = Assembly(self, lowering, offers, compiled).steps(ordered)
        return Planned(program_of(lowering.graph, steps), placements, donated)

    def _settle(self, graph: Graph, compilers: Sequence[FoundCompiler]) -> tuple[Lowering, Offers]:
        """Offers the graph, decomposes what is left without a kernel, and offers anew, until nothing is left."""
        lowering = Lowering(graph)
        for _ in range(MAXIMUM_DEPTH):
            offers = Offers(lowering.graph, self.refusals)
            for found in compilers:
                offers.offer(found)
            if not lowering.lower(offers.taken):
                return lowering, offers
        raise GraphError(
            f"a decomposition in {graph.name!r} never ends",
            where=", ".join(sorted({" / ".join(origin[:3]) for origin in lowering.origins.values()})),
            fix="give the innermost operation a kernel, or a decomposition into others",
        )

    def _compile(self, graph: Graph, part: Part, donated: frozenset[int]) -> Callable[..., Any] | None:
        """What a compiler makes of its part, or None where it fails."""
        places = sorted(part.nodes)
        piece = cut(graph, places, f"{graph.name}_{places[0]}")
        numbers = {graph.inputs[place].number for place in donated}
        own = frozenset(place for place, value in enumerate(piece.inputs) if value.number in numbers)
        try:
            options = CompileOptions(donated_inputs=own, strict=self.refusals.strict)
            return part.compiler.compiler.compile(piece, options)
        except Exception as error:  # noqa: BLE001 - whatever a plug-in raises, its nodes run otherwise
            self.refusals.tell(
                f"compiler {part.compiler.name!r} failed to compile a part of {graph.name!r}",
                nodes=describe_nodes(graph, places),
                error=error,
            )
            return None

    def _require_all(self, graph: Graph, offers: Offers) -> None:
        left = [place for place in range(len(graph.nodes)) if place not in offers.taken]
        if left:
            reasons = "; ".join(reason for place in left for reason in offers.reasons.get(place, ()))
            raise PluginError(
                f"no compiler takes all of {graph.name!r}",
                where=f"nodes {describe_nodes(graph, left)}",
                cause=reasons or "; ".join(f"{n}: {r}" for n, r in self.refused.items()) or "no compiler claims them",
                fix="leave out strict=True, so that kernels run these nodes",
            )


def _ordered(graph: Graph, offers: Offers) -> list[list[int]]:
    """Parts and single nodes in the order in which they run."""
    ordered = order_parts([part.nodes for part in offers.parts], dependencies(graph))
    assert ordered is not None  # a claim is accepted only if there is an order
    return ordered
