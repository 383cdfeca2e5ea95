"""The passes in the order in which they run."""

from __future__ import annotations

from collections.abc import Callable

from dovetail_protocols.graph import Graph, Node
from dovetail_protocols.records import replace

from .chains import CHAINS
from .constant_folding import fold_constants
from .dead_code import remove_dead_code
from .identities import IDENTITIES
from .rewriting import rewrite
from .sharing import share_common_subexpressions


def simplify_algebra(graph: Graph) -> Graph:
    """The graph without operations that give what they are given, and with chains of reshapes, transposes, broadcasts
    and casts made one. Only rules that hold for NaN, infinities and signed zeros."""
    return rewrite(graph, IDENTITIES | CHAINS)


PASSES: tuple[Callable[[Graph], Graph], ...] = (
    remove_dead_code,
    fold_constants,
    simplify_algebra,
    share_common_subexpressions,
    remove_dead_code,
)


def simplify(graph: Graph) -> Graph:
    """The graph after all passes; the graphs that its nodes carry likewise."""
    graph = replace(graph, nodes=tuple(_with_simple_bodies(node) for node in graph.nodes))
    for one in PASSES:
        graph = one(graph)
    return graph


def _with_simple_bodies(node: Node) -> Node:
    if not any(isinstance(value, Graph) for value in node.attributes.values()):
        return node
    bodies = {name: simplify(body) if isinstance(body, Graph) else body for name, body in node.attributes.items()}
    return replace(node, attributes=bodies)
