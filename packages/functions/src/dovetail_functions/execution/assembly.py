"""The steps of a program, from a graph whose nodes all have somebody to run them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from dovetail_protocols import usage
from dovetail_protocols.graph import Graph, Node
from dovetail_protocols.graph_parts import cut
from dovetail_protocols.metas import TensorMeta

from ..compilation.claims import Offers, Part, describe_nodes
from .control_flow import bind_control_flow, is_control_flow
from .kernels import bound_kernel, wrapper
from .lowering import Lowering, key_of
from .placements import Placement
from .program import Program
from .steps import Step

if TYPE_CHECKING:
    from .planning import Planner


class Assembly:
    """The program of a graph whose parts are compiled and whose other nodes can run."""

    def __init__(
        self, planner: Planner, lowering: Lowering, offers: Offers, compiled: Mapping[Part, Callable[..., Any]]
    ) -> None:
        self.planner, self.lowering, self.offers, self.compiled = planner, lowering, offers, compiled
        self.graph = lowering.graph

    def steps(self, ordered: Sequence[list[int]]) -> tuple[list[Step], tuple[Placement, ...]]:
        """A step for each part and each other node, in the given order, and where each node runs."""
        part_of = {min(part.nodes): part for part in self.offers.parts}
        steps: list[Step] = []
        placements: list[Placement] = []
        for places in ordered:
            part = part_of.get(places[0])
            if part is not None:
                steps.append(self._part_step(part, places))
                runner = f"compiler {part.compiler.name}"
                placements += [self._placement(place, runner) for place in places]
                for place in places:
                    usage.count(self.graph.nodes[place].operation.name, runner)
            else:
                step, placement = self._node_step(places[0])
                steps.append(step)
                placements.append(placement)
        return steps, tuple(placements)

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
        usage.count_selection(node.operation.name, chosen, [*self.offers.reasons.get(place, ())])
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


def program_of(graph: Graph, steps: Sequence[Step]) -> Program:
    """The program that makes steps for all nodes of a graph."""
    return Program(
        inputs=[value.number for value in graph.inputs],
        constants={constant.value.number: constant.array.payload for constant in graph.constants},
        steps=steps,
        outputs=[value.number for value in graph.outputs],
        normalize={
            value.number: _normalizer(value.meta)
            for node in graph.nodes
            for value in node.outputs
            if value.meta.shape == ()
        },
    )


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
