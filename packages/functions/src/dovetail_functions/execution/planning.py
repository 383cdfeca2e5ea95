"""From a graph of known sizes to a program: parts for compilers, kernels for the rest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from dovetail_protocols.compilers import CompileOptions
from dovetail_protocols.errors import GraphError, PluginError
from dovetail_protocols.graph import Graph, Node
from dovetail_protocols.metas import TensorMeta
from dovetail_protocols.records import record

from ..compilation.claims import Offers, Part, Refusals, describe_nodes
from ..compilation.cutting import cut
from ..compilation.discovery import FoundCompiler, chosen_compilers
from ..compilation.donation import donated_inputs
from ..compilation.ordering import dependencies, order_parts
from .control_flow import bind_control_flow, is_control_flow
from .kernels import bound_kernel, wrapper
from .lowering import Lowering, key_of
from .placements import Placement
from .program import Program
from .steps import Step

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
            lowering, offers = self._settle(graph, [c for c in self.compilers if c not in failed])
            ordered = _ordered(lowering.graph, offers)
            last = next((part.nodes for part in offers.parts if part.nodes == frozenset(ordered[-1])), frozenset())
            donated = donated_inputs(lowering.graph, donatable, last)
            compiled = {part: self._compile(lowering.graph, part, donated) for part in offers.parts}
            broken = [part.compiler for part, run in compiled.items() if run is None]
            if not broken:
                break
            failed += broken
        if self.refusals.strict:
            self._require_all(lowering.graph, offers)
        return _Assembly(self, lowering, offers, compiled).assembled(ordered, donated)

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


class _Assembly:
    """The program of a graph whose parts are compiled and whose other nodes can run."""

    def __init__(
        self, planner: Planner, lowering: Lowering, offers: Offers, compiled: dict[Part, Callable[..., Any] | None]
    ) -> None:
        self.planner, self.lowering, self.offers, self.compiled = planner, lowering, offers, compiled
        self.graph = lowering.graph

    def assembled(self, ordered: Sequence[list[int]], donated: frozenset[int]) -> Planned:
        part_of = {min(part.nodes): part for part in self.offers.parts}
        steps: list[Step] = []
        placements: list[Placement] = []
        for places in ordered:
            part = part_of.get(places[0])
            if part is not None:
                steps.append(self._part_step(part, places))
                placements += [self._placement(place, f"compiler {part.compiler.name}") for place in places]
            else:
                step, placement = self._node_step(places[0])
                steps.append(step)
                placements.append(placement)
        return Planned(self._program(steps), tuple(placements), donated)

    def _program(self, steps: list[Step]) -> Program:
        return Program(
            inputs=[value.number for value in self.graph.inputs],
            constants={constant.value.number: constant.array.payload for constant in self.graph.constants},
            steps=steps,
            outputs=[value.number for value in self.graph.outputs],
            normalize={
                value.number: _normalizer(value.meta)
                for node in self.graph.nodes
                for value in node.outputs
                if value.meta.shape == ()
            },
        )

    def _part_step(self, part: Part, places: list[int]) -> Step:
        piece = cut(self.graph, places, self.graph.name)
        run: Any = self.compiled[part]
        return Step(
            run=run,
            inputs=tuple(value.number for value in piece.inputs),
            outputs=tuple(value.number for value in piece.outputs),
            several=True,
            what=f"nodes {describe_nodes(self.graph, places)}",
            runner=f"what compiler {part.compiler.name!r} made",
            package=part.compiler.name,
        )

    def _node_step(self, place: int) -> tuple[Step, Placement]:
        node = self.graph.nodes[place]
        if is_control_flow(node):
            bodies: list[tuple[Placement, ...]] = []

            def plan(body: Graph) -> Program:
                planned = self.planner.plan(body)
                bodies.append(planned.placements)
                return planned.program

            step = _step(node, bind_control_flow(node, plan), "control flow", several=True)
            return step, self._placement(place, "control flow", tuple(bodies))
        chosen = self.lowering.selections[key_of(node)]
        kernel, name = bound_kernel(node, chosen)
        package = name.partition("/")[0]
        step = _step(node, kernel, f"kernel {name}", package, several=gives_several(node))
        return step, self._placement(place, f"kernel {name}")

    def _placement(self, place: int, runner: str, bodies: tuple[tuple[Placement, ...], ...] = ()) -> Placement:
        node = self.graph.nodes[place]
        chosen = self.lowering.selections.get(key_of(node))
        reasons = [f"{name}: {reason}" for name, reason in self.planner.refused.items()]
        reasons += self.offers.reasons.get(place, ())
        if chosen is not None and not runner.startswith("compiler"):
            reasons += [
                f"{decision.candidate.package}/{decision.candidate.spec.id}: {decision.reason}"
                for decision in chosen.decisions
                if decision.reason is not None
            ]
        return Placement(
            operation=node.operation.short_name,
            result=", ".join(str(value.meta) for value in node.outputs),
            source=node.source,
            runner=runner,
            reasons=tuple(reasons),
            origin=self.lowering.origins.get(key_of(node), ()),
            bodies=bodies,
        )


def _ordered(graph: Graph, offers: Offers) -> list[list[int]]:
    """Parts and single nodes in the order in which they run."""
    ordered = order_parts([part.nodes for part in offers.parts], dependencies(graph))
    assert ordered is not None  # a claim is accepted only if there is an order
    return ordered


def _step(node: Node, run: Callable[..., Any], runner: str, package: str = "", *, several: bool) -> Step:
    return Step(
        run=run,
        inputs=tuple(None if value is None else value.number for value in node.inputs),
        outputs=tuple(value.number for value in node.outputs),
        several=several,
        what=describe_node(node),
        runner=runner,
        package=package,
        source=node.source,
    )


def describe_node(node: Node) -> str:
    """A node's call for a reader: "matmul(float32[2,3], float32[3,4])"."""
    metas = ", ".join("None" if value is None else str(value.meta) for value in node.inputs)
    return f"{node.operation.short_name}({metas})"


def gives_several(node: Node) -> bool:
    """Whether the node's operation gives a tuple of results, also one of a single result."""
    if len(node.outputs) != 1:
        return True
    metas = [None if value is None else value.meta for value in node.inputs]
    return isinstance(node.operation.infer(metas, node.attributes), tuple)


def _normalizer(meta: TensorMeta) -> Callable[[Any], Any]:
    """For 0-d values: kernels may give a scalar of the array library where a buffer is meant."""
    wrap = wrapper(meta)
    return lambda buffer: wrap(buffer).payload
