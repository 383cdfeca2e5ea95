"""A graph as text, one node a line, in the manner of a small program."""

from __future__ import annotations

from .graph import Graph
from .metas import Device

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .graph import Node, Value


def to_text(graph: Graph, indent: str = "") -> str:
    """The graph for a reader.

    graph mlp(%0: float32[8,4] x, %1: float32[4,2] kernel) -> (%3)
      %2 = matmul(%0, %1)                    float32[8,2]   # model.py:12
    """
    inputs = ", ".join(_declaration(value) for value in graph.inputs)
    outputs = ", ".join(str(value) for value in graph.outputs)
    lines = [f"{indent}graph {graph.name}({inputs}) -> ({outputs})"]
    lines += [f"{indent}  {_declaration(constant.value)} = constant" for constant in graph.constants]
    for node in graph.nodes:
        lines += _node(node, indent + "  ")
    for state in graph.states:
        if state.output is not None:
            lines.append(f"{indent}  {state.name or 'variable'} <- {graph.outputs[state.output]}")
    return "\n".join(lines)


def _declaration(value: Value) -> str:
    return f"{value}: {value.meta}" + (f" {value.name}" if value.name else "")


def node_text(node: Node) -> str:
    """One node without its graphs: `%2 = matmul(%0, %1)`."""
    results = ", ".join(str(value) for value in node.outputs)
    operands = ["None" if value is None else str(value) for value in node.inputs]
    plain = {name: value for name, value in node.attributes.items() if not isinstance(value, Graph)}
    arguments = ", ".join(operands + [f"{name}={_shown(value)}" for name, value in plain.items()])
    call = f"{node.operation.name.removeprefix('dovetail::')}({arguments})"
    return f"{results} = {call}" if results else call


def _node(node: Node, indent: str) -> list[str]:
    metas = ", ".join(str(value.meta) for value in node.outputs)
    source = f"   # {node.source.rpartition('/')[2]}" if node.source else ""
    lines = [f"{indent + node_text(node):<60}  {metas}{source}".rstrip()]
    for attribute, body in node.attributes.items():
        if isinstance(body, Graph):
            lines.append(f"{indent}  {attribute}:")
            lines.append(to_text(body, indent + "    "))
    return lines


def _shown(value: Any) -> str:
    if isinstance(value, Device):
        return repr(str(value))
    return value.__name__ if callable(value) and hasattr(value, "__name__") else repr(value)
