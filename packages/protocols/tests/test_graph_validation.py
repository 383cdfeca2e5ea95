"""What is a well-formed graph, and what validate says of others."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from dovetail_protocols import dtypes as dt
from dovetail_protocols import operations as ops
from dovetail_protocols.errors import GraphError
from dovetail_protocols.graph import Constant, Graph, Node, State, Value
from dovetail_protocols.graph_validation import validate
from dovetail_protocols.metas import Device, TensorMeta

from .graphs import Builder, Bytes, graphs

VECTOR = TensorMeta((3,), dt.float32)
SCALAR = TensorMeta((), dt.float32)


def two_nodes() -> Graph:
    """x, y -> sum(x · y)."""
    builder = Builder(VECTOR, VECTOR)
    (product,) = builder.apply(ops.multiply, *builder.inputs)
    (total,) = builder.apply(ops.sum, product, axis=(0,))
    return builder.graph([total])


def changed(graph: Graph, place: int, **changes: Any) -> Graph:
    """The graph with one node changed."""
    nodes = list(graph.nodes)
    nodes[place] = nodes[place].replace(**changes)
    return graph.replace(nodes=tuple(nodes))


@settings(max_examples=40)
@given(graphs())
def test_graphs_built_with_infer_are_well_formed(graph: Graph) -> None:
    validate(graph)


@settings(max_examples=40)
@given(graphs(), st.data())
def test_a_graph_without_one_of_its_nodes_is_refused_where_that_is_used(graph: Graph, data: Any) -> None:
    used = {value.number for node in graph.nodes for value in node.inputs if value is not None}
    used |= {value.number for value in graph.outputs}
    needed = [place for place, node in enumerate(graph.nodes) if any(v.number in used for v in node.outputs)]
    assume(needed)
    place = data.draw(st.sampled_from(needed))
    with pytest.raises(GraphError, match="used but not defined"):
        validate(graph.replace(nodes=graph.nodes[:place] + graph.nodes[place + 1 :]))


@settings(max_examples=40)
@given(graphs(), st.data())
def test_a_node_that_says_another_meta_than_infer_is_refused(graph: Graph, data: Any) -> None:
    places = [place for place, node in enumerate(graph.nodes) if node.outputs]
    assume(places)
    place = data.draw(st.sampled_from(places))
    wrong = graph.nodes[place].outputs[0].replace(meta=TensorMeta((99,), dt.float64))
    with pytest.raises(GraphError, match=r"not what dovetail::.* gives(.|\n)*float64\[99\]"):
        validate(changed(graph, place, outputs=(wrong, *graph.nodes[place].outputs[1:])))


def test_an_error_names_graph_node_and_value() -> None:
    graph = two_nodes()
    with pytest.raises(GraphError) as caught:
        validate(graph.replace(nodes=graph.nodes[::-1]))
    assert str(caught.value).startswith("%2 is used but not defined\n  where: model, node 0: %3 = sum(%2, axis=(0,)")


def test_values_are_defined_once() -> None:
    graph = two_nodes()
    with pytest.raises(GraphError, match=r"%1 is defined twice(.|\n)*node 0"):
        validate(changed(graph, 0, outputs=(Value(1, VECTOR),)))
    with pytest.raises(GraphError, match=r"%0 is defined twice(.|\n)*input 1"):
        validate(graph.replace(inputs=(graph.inputs[0], graph.inputs[0])))


def test_a_use_agrees_with_the_definition() -> None:
    graph = two_nodes()
    with pytest.raises(GraphError, match=r"%0 is not used as what it is(.|\n)*float32\[3\](.|\n)*float32\[\]"):
        validate(changed(graph, 0, inputs=(Value(0, SCALAR), graph.inputs[1])))
    with pytest.raises(GraphError, match=r"%9 is used but not defined(.|\n)*output 0"):
        validate(graph.replace(outputs=(Value(9, SCALAR),)))


def test_operands_are_those_that_the_operation_takes() -> None:
    graph = two_nodes()
    with pytest.raises(GraphError, match=r"multiply has another number of operands(.|\n)*expected: 2(.|\n)*got: 1"):
        validate(changed(graph, 0, inputs=graph.inputs[:1]))
    with pytest.raises(GraphError, match=r"another number of operands(.|\n)*expected: 2(.|\n)*got: 3"):
        validate(changed(graph, 0, inputs=(*graph.inputs, graph.inputs[0])))
    with pytest.raises(GraphError, match="operand 'x2' of dovetail::multiply is missing"):
        validate(changed(graph, 0, inputs=(graph.inputs[0], None)))
    with pytest.raises(GraphError, match="works on a variable"):
        validate(changed(graph, 0, operation=ops.read_variable, inputs=graph.inputs[:1]))


def test_attributes_are_complete_and_plain() -> None:
    graph = two_nodes()
    with pytest.raises(GraphError, match=r"expected: axis, keepdims(.|\n)*got: axis"):
        validate(changed(graph, 1, attributes={"axis": None}))
    for wrong in ([0], object(), lambda: 0):
        with pytest.raises(GraphError, match=r"not plain data(.|\n)*attribute axis"):
            validate(changed(graph, 1, attributes={"axis": wrong, "keepdims": False}))
    with pytest.raises(GraphError, match=r"doesn't take these operands(.|\n)*out of range"):
        validate(changed(graph, 1, attributes={"axis": (3,), "keepdims": False}))


def test_shapes_that_depend_on_values_have_no_place() -> None:
    value = Value(0, VECTOR)
    node = Node(ops.nonzero, (value,), (Value(1, VECTOR),), {})
    with pytest.raises(GraphError, match="depends on the values"):
        validate(Graph("model", (value,), (node,), ()))


def test_graphs_in_attributes_are_checked_too() -> None:
    builder = Builder(TensorMeta((), dt.bool_), VECTOR, VECTOR)
    body = two_nodes()
    builder.apply(ops.cond, *builder.inputs, true_branch=body, false_branch=body)
    graph = builder.graph([])
    validate(graph)
    broken = body.replace(nodes=body.nodes[::-1])
    attributes = {"true_branch": body, "false_branch": broken}
    with pytest.raises(
        GraphError, match=r"where: model, node 0: .*cond.*attribute false_branch, model, node 0: %3 = sum"
    ):
        validate(changed(graph, 0, attributes=attributes))


def test_constants_are_what_their_values_say() -> None:
    array: Any = Bytes(bytes(4), SCALAR)
    with pytest.raises(GraphError, match=r"constant 0, %0(.|\n)*float32\[3\](.|\n)*float32\[\]"):
        validate(Graph("model", (), (), (), (Constant(Value(0, VECTOR), array),)))


def test_states_have_places_of_their_own_and_keep_their_meta() -> None:
    graph = two_nodes()
    validate(graph.replace(outputs=(graph.inputs[0],), states=(State("w", 1, 0), State("b", 0, None))))
    with pytest.raises(GraphError, match=r"not like that before(.|\n)*state 'w'"):
        validate(graph.replace(states=(State("w", 1, 0),)))
    with pytest.raises(GraphError, match="no output"):
        validate(graph.replace(states=(State("w", 1, 7),)))
    with pytest.raises(GraphError, match="no input"):
        validate(graph.replace(states=(State("w", -1, None),)))
    with pytest.raises(GraphError, match="share a place"):
        validate(graph.replace(states=(State("w", 1, None), State("b", 1, None))))
    passing = graph.replace(outputs=graph.inputs)
    validate(passing.replace(states=(State("w", 0, 0), State("b", 1, 1))))
    for states in ((State("w", 0, 0), State("b", 1, 0)), (State("w", 0, 0), State("b", 0, 1))):
        with pytest.raises(GraphError, match="share a place"):
            validate(passing.replace(states=states))


def test_devices_must_agree() -> None:
    graph = two_nodes()
    elsewhere = Value(1, TensorMeta((3,), dt.float32, Device("cuda", 1)))
    with pytest.raises(GraphError, match="different devices"):
        validate(changed(graph.replace(inputs=(graph.inputs[0], elsewhere)), 0, inputs=(graph.inputs[0], elsewhere)))
