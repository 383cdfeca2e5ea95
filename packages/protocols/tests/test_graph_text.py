"""The text form of graphs."""

from __future__ import annotations

import re
from typing import Any

from hypothesis import given, settings

from dovetail_protocols import dtypes as dt
from dovetail_protocols import operations as ops
from dovetail_protocols.graph import Graph, State, Value
from dovetail_protocols.metas import Device, TensorMeta

from .graphs import Builder, graphs

VECTOR = TensorMeta((3,), dt.float32)
MATRIX = TensorMeta((2, 3), dt.float32)
FLAG = TensorMeta((), dt.bool_)


def columns(text: str) -> list[str]:
    """Lines, with the spaces between columns made two, so that tests don't hang on the columns' width."""
    return [re.sub(r"(?<=\S) {2,}", "  ", line) for line in text.splitlines()]


def test_a_graph_reads_like_a_small_program() -> None:
    builder = Builder()
    x, w = builder.value(MATRIX, "x"), builder.value(VECTOR, "weight")
    builder.inputs = (x, w)
    scale = builder.constant(bytes(4), TensorMeta((), dt.float32))
    (product,) = builder.apply(ops.multiply, x, w)
    (total,) = builder.apply(ops.sum, product, axis=(0,))
    (updated,) = builder.apply(ops.multiply, total, scale)
    builder.apply(ops.print, updated)
    graph = builder.graph([total, updated], [State("weight", 1, 1), State("x", 0, None)])
    assert columns(str(graph)) == [
        "graph model(%0: float32[2,3] x, %1: float32[3] weight) -> (%4, %5)",
        "  %2: float32[] = constant",
        "  %3 = multiply(%0, %1)  float32[2,3]  # model.py:12",
        "  %4 = sum(%3, axis=(0,), keepdims=False)  float32[3]  # model.py:12",
        "  %5 = multiply(%4, %2)  float32[3]  # model.py:12",
        r"  print(%5, format=None, end='\n', stream='stdout')  # model.py:12",
        "  weight <- %5",
    ]


def test_bodies_stand_indented_below_their_node() -> None:
    inner = Builder(VECTOR)
    (negated,) = inner.apply(ops.negative, *inner.inputs)
    body = inner.graph([negated])
    builder = Builder(FLAG, VECTOR)
    (chosen,) = builder.apply(ops.cond, *builder.inputs, true_branch=body, false_branch=body)
    assert columns(str(builder.graph([chosen]))) == [
        "graph model(%0: bool[], %1: float32[3]) -> (%2)",
        "  %2 = cond(%0, %1)  float32[3]  # model.py:12",
        "    true_branch:",
        "      graph model(%0: float32[3]) -> (%1)",
        "        %1 = negative(%0)  float32[3]  # model.py:12",
        "    false_branch:",
        "      graph model(%0: float32[3]) -> (%1)",
        "        %1 = negative(%0)  float32[3]  # model.py:12",
    ]


def test_operands_left_out_devices_and_dtypes_are_shown() -> None:
    builder = Builder(TensorMeta((3,), dt.bfloat16, Device("cuda", 1)))
    (clipped,) = builder.apply(ops.clip, builder.inputs[0], None, builder.inputs[0])
    builder.apply(ops.full, shape=(2,), fill_value=1.5, dtype=dt.float64, device=Device("cpu"))
    assert columns(str(builder.graph([clipped]))) == [
        "graph model(%0: bfloat16[3]@cuda:1) -> (%1)",
        "  %1 = clip(%0, None, %0)  bfloat16[3]@cuda:1  # model.py:12",
        "  %2 = full(shape=(2,), fill_value=1.5, dtype=float64, device='cpu')  float64[2]  # model.py:12",
    ]


def test_an_empty_graph_has_one_line() -> None:
    value = Value(0, VECTOR)
    assert str(Graph("identity", (value,), (), (value,))) == "graph identity(%0: float32[3]) -> (%0)"


@settings(max_examples=40)
@given(graphs())
def test_every_node_and_constant_has_a_line(graph: Graph) -> None:
    def count(one: Graph) -> int:
        nested = list(one.subgraphs())
        assigned = sum(state.output is not None for state in one.states)
        return 1 + len(one.constants) + len(one.nodes) + assigned + sum(1 + count(body) for body in nested)

    assert len(str(graph).splitlines()) == count(graph)


def test_a_foreign_namespace_is_shown_in_full() -> None:
    class Attention:
        name = "acme::attention"

    builder: Any = Builder(VECTOR)
    (result,) = builder.apply(ops.negative, *builder.inputs)
    graph = builder.graph([result])
    shown = str(graph.replace(nodes=(graph.nodes[0].replace(operation=Attention()),)))
    assert "%1 = acme::attention(%0)" in shown
