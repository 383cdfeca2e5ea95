"""Round trips of graphs through JSON, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from math import inf, nan
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dovetail_protocols import dtypes as dt
from dovetail_protocols import operations as ops
from dovetail_protocols import provider, use_provider
from dovetail_protocols.errors import GraphError, PluginError
from dovetail_protocols.graph import Graph, Node, Value
from dovetail_protocols.graph_json import from_json, to_json
from dovetail_protocols.metas import Device, TensorMeta

from .graphs import Builder, bytes_only, graphs

VECTOR = TensorMeta((3,), dt.float32)
SCALAR = TensorMeta((), dt.float32)


@pytest.fixture(autouse=True)
def _bytes_provider() -> Iterator[None]:
    with bytes_only():
        yield


def example() -> Graph:
    builder = Builder(VECTOR, VECTOR)
    (product,) = builder.apply(ops.multiply, *builder.inputs)
    weight = builder.constant(bytes(range(12)), VECTOR)
    (total,) = builder.apply(ops.add, product, weight)
    return builder.graph([total])


def document(graph: Graph | None = None) -> Any:
    return json.loads(to_json(graph or example()))


def read(changed: Any) -> Graph:
    return from_json(json.dumps(changed))


# ---------------------------------------------------------------------- round trips


@settings(max_examples=40)
@given(graphs())
def test_a_graph_comes_back_the_same(graph: Graph) -> None:
    with bytes_only():
        text = to_json(graph)
        back = from_json(text)
        assert to_json(back) == text
    assert str(back) == str(graph)
    assert [(node.operation, node.inputs, node.outputs, node.source) for node in back.nodes] == [
        (node.operation, node.inputs, node.outputs, node.source) for node in graph.nodes
    ]
    assert back.states == graph.states
    assert [one.array.data for one in back.constants] == [  # type: ignore[attr-defined] # the tests' own arrays
        one.array.data  # type: ignore[attr-defined] # as above
        for one in graph.constants
    ]


PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.complex_numbers()
    | st.text()
    | st.sampled_from([dt.float32, dt.bool_, Device("cuda", 3), Device("cpu")]),
    lambda inner: st.lists(inner, max_size=3).map(tuple),
    max_leaves=5,
)


@given(PLAIN)
def test_attributes_come_back_exactly_with_their_types(value: Any) -> None:
    from dovetail_protocols.graph_json import _write_attribute
    from dovetail_protocols.graph_json_reader import _read_attribute

    back = _read_attribute(json.loads(json.dumps(_write_attribute(value), allow_nan=False)), "test", 0)
    assert repr(back) == repr(value)  # tells 1 from 1.0 and from True, 0.0 from -0.0, and takes NaN for NaN
    assert type(back) is type(value)


def test_floats_that_json_lacks_are_written_as_text() -> None:
    for number in (inf, -inf, nan):
        builder = Builder(VECTOR)
        builder.apply(ops.leaky_relu, builder.inputs[0], negative_slope=number)
        graph = builder.graph([])
        assert repr(from_json(to_json(graph)).nodes[0].attributes["negative_slope"]) == repr(number)


def test_the_form_has_a_name_a_version_and_readable_fields() -> None:
    written = document()
    assert (written["format"], written["schema"]) == ("dovetail.graph", [1, 0])
    assert written["graph"]["inputs"][0] == {"number": 0, "dtype": "float32", "shape": [3], "device": "cpu"}
    assert written["graph"]["nodes"][0]["operation"] == "dovetail::multiply"
    assert written["graph"]["nodes"][0]["inputs"] == [0, 1]
    assert written["graph"]["constants"][0]["data"] == "AAECAwQFBgcICQoL"


# ---------------------------------------------------------------------- what is refused


def test_a_malformed_graph_is_not_written() -> None:
    with pytest.raises(GraphError, match="used but not defined"):
        to_json(example().replace(nodes=()))


def test_a_size_that_is_not_known_is_not_written() -> None:
    class Unknown(int):
        pass

    with pytest.raises(GraphError, match="not known yet"):
        to_json(Graph("f", (Value(0, TensorMeta((Unknown(3),), dt.float32)),), (), ()))


def test_all_unknown_operations_are_named_at_once() -> None:
    written = document()
    first, second = written["graph"]["nodes"]
    first["operation"] = "acme::attention"
    second["version"] = 99
    body = {"name": "b", "inputs": [], "constants": [], "outputs": [], "states": []}
    inner = {"operation": "acme::inner", "version": 2, "inputs": [], "attributes": {}, "outputs": [], "source": ""}
    first["attributes"] = {"body": {"graph": {**body, "nodes": [inner]}}}
    with pytest.raises(GraphError, match=r"acme::attention version 1, acme::inner version 2, dovetail::add version 99"):
        read(written)


@pytest.mark.parametrize("schema", [[2, 0], [1, 2], [0, 9], [1], "1.0", None, [True, 0]])
def test_another_schema_is_refused(schema: Any) -> None:
    with pytest.raises(GraphError):
        read({**document(), "schema": schema})


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        "{}",
        "nonsense",
        '{"format": "dovetail.graph"}',
        '{"format": "dovetail.graph", "schema": [1, 0], "graph": null}',
        '{"format": "dovetail.graph", "schema": [1, 0], "graph": {"name": NaN}}',
        "[" * 100_000,
        '{"a":' * 5_000,
        b"\xff\xfe\x00",
        '{"format": "dovetail.graph", "format": "dovetail.graph"}',
    ],
)
def test_text_that_is_no_graph_is_refused(text: Any) -> None:
    with pytest.raises(GraphError):
        from_json(text)


def test_a_name_that_stands_twice_is_refused() -> None:
    """Readers differ in which of the two they take."""
    text = to_json(example())
    twice = text.replace('"outputs": [4]', '"outputs": [4], "outputs": [0]')
    assert twice != text
    with pytest.raises(GraphError, match="stands twice"):
        from_json(twice)


@pytest.mark.parametrize("device", ["cpu:0", "cuda:01", "cuda:-1", "cuda:", "", "cuda:x"])
def test_a_device_has_one_spelling(device: str) -> None:
    graph = Graph("f", (Value(0, SCALAR),), (), ())
    assert read(break_at(document(graph), "inputs.0.device", "cuda:1")).inputs[0].meta.device == Device("cuda", 1)
    with pytest.raises(GraphError):
        read(break_at(document(graph), "inputs.0.device", device))


def break_at(written: Any, path: str, value: Any) -> Any:
    *parents, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    target = written["graph"]
    for part in parents:
        target = target[part]
    target[last] = value
    return written


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("name", 3),
        ("inputs", {}),
        ("inputs.0.number", "0"),
        ("inputs.0.number", True),
        ("inputs.0.number", 1),
        ("inputs.0.dtype", "float31"),
        ("inputs.0.dtype", ["float32"]),
        ("inputs.0.shape", [3.0]),
        ("inputs.0.shape", [-1]),
        ("inputs.0.shape", [4]),
        ("inputs.0.device", "cpu:0x"),
        ("inputs.0.device", "cuda:-1"),
        ("inputs.0.extra", 1),
        ("nodes.0.inputs", [0, 9]),
        ("nodes.0.inputs", [0, None]),
        ("nodes.0.inputs", [0, [1]]),
        ("nodes.0.attributes", []),
        ("nodes.0.attributes", {"axis": 1}),
        ("nodes.0.outputs", []),
        ("nodes.0.operation", 7),
        ("nodes.0.operation", "read_variable"),
        ("nodes.0.source", None),
        ("outputs", [17]),
        ("states", [{"name": "w", "input": 0, "output": 5}]),
        ("states", [{"name": "w", "input": None, "output": None}]),
        ("constants.0.data", "AAEC"),
        ("constants.0.data", "!!!!"),
        ("constants.0.data", None),
        ("constants.0.value.shape", [-1, -3]),
    ],
)
def test_a_field_of_another_form_is_refused(path: str, value: Any) -> None:
    with pytest.raises(GraphError):
        read(break_at(document(), path, value))


@pytest.mark.parametrize(
    "attribute",
    [
        {"float": 1.0},
        {"float": "one"},
        {"python": "__import__('os')"},
        {"dtype": "object"},
        {"dtype": "float32", "device": "cpu"},
        {"complex": ["1"]},
        1.5,
        {},
    ],
)
def test_attributes_of_unknown_form_are_refused(attribute: Any) -> None:
    builder = Builder(VECTOR)
    builder.apply(ops.sum, builder.inputs[0], axis=None)
    with pytest.raises(GraphError):
        read(break_at(document(builder.graph([])), "nodes.0.attributes.axis", attribute))


def test_deep_nesting_is_refused() -> None:
    builder = Builder(VECTOR)
    builder.apply(ops.sum, builder.inputs[0], axis=None)
    written, nested = document(builder.graph([])), 0
    deep: Any = nested
    for _ in range(200):
        deep = [deep]
    with pytest.raises(GraphError, match="nested too deep"):
        read(break_at(written, "nodes.0.attributes.axis", deep))


def test_a_tensor_package_without_bytes_is_named() -> None:
    use_provider(object())  # type: ignore[arg-type] # something that can't write bytes
    assert type(provider()) is object
    with pytest.raises(PluginError, match="to_bytes and from_bytes"):
        to_json(example())


def test_names_of_operations_are_looked_up_not_imported() -> None:
    """An operation is found by name in the registry; a name that looks like a module is just unknown."""
    value = Value(0, SCALAR)
    written = document(Graph("f", (value,), (Node(ops.negative, (value,), (Value(1, SCALAR),), {}),), ()))
    with pytest.raises(GraphError, match="not known here"):
        read(break_at(written, "nodes.0.operation", "os::system"))
