"""From a graph of known sizes to a program."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dovetail_protocols.arrays import provider
from dovetail_protocols.graph import Graph, Node
from dovetail_protocols.metas import TensorMeta

from .binding import Binder, BoundNode
from .program import Program
from .steps import Step


def plan(graph: Graph) -> tuple[Program, tuple[BoundNode, ...]]:
    """A program that computes the graph's outputs from its inputs, and what was chosen for each node.

    Raises: KernelNotFoundError where a node has neither kernel nor decomposition.
    """
    binder = Binder(graph)
    for node in graph.nodes:
        binder.bind(node)
    outputs = [binder.resolve(value) for value in graph.outputs]
    nodes = [bound.node for bound in binder.bound]
    steps = [_step(bound) for bound in binder.bound]
    program = Program(
        inputs=[value.number for value in graph.inputs],
        constants={constant.value.number: constant.array.payload for constant in binder.constants},
        steps=steps,
        outputs=[value.number for value in outputs],
        normalize=_normalizers(nodes),
    )
    return program, tuple(binder.bound)


def _step(bound: BoundNode) -> Step:
    node = bound.node
    kernel: Any = bound.selection.kernel
    metas = ", ".join("None" if value is None else str(value.meta) for value in node.inputs)
    chosen: Any = bound.selection.chosen
    return Step(
        run=kernel,
        inputs=tuple(None if value is None else value.number for value in node.inputs),
        outputs=tuple(value.number for value in node.outputs),
        several=gives_several(node),
        what=f"kernel {chosen.package}/{chosen.spec.id} for {node.operation.short_name}({metas})",
        source=node.source,
    )


def gives_several(node: Node) -> bool:
    """Whether the node's operation gives a tuple of results, also one of a single result."""
    if len(node.outputs) != 1:
        return True
    metas = [None if value is None else value.meta for value in node.inputs]
    return isinstance(node.operation.infer(metas, node.attributes), tuple)


def _normalizers(nodes: list[Node]) -> dict[int, Callable[[Any], Any]]:
    """For 0-d values: kernels may give a scalar of the array library where a buffer is meant."""
    return {value.number: _normalizer(value.meta) for node in nodes for value in node.outputs if value.meta.shape == ()}


def _normalizer(meta: TensorMeta) -> Callable[[Any], Any]:
    wrap = provider().wrap
    return lambda payload: wrap(payload, meta).payload
