"""Graphs with unknown sizes: specialized, validated, and through JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from dovetail_protocols import dtypes as dt
from dovetail_protocols import operations as ops
from dovetail_protocols.errors import GraphError
from dovetail_protocols.graph import Graph
from dovetail_protocols.graph_json import from_json, template_from_json, to_json
from dovetail_protocols.graph_templates import GraphTemplate, map_sizes, validate_template
from dovetail_protocols.metas import TensorMeta
from dovetail_protocols.size_formulas import Formula, evaluate, text

from .graphs import Builder, bytes_only

ROWS = ("size", 0)


@pytest.fixture(autouse=True)
def _bytes_provider() -> Iterator[None]:
    with bytes_only():
        yield


def template(guards: Any = ()) -> GraphTemplate:
    """x: (?0, 4) → reshape to (?0 * 2, 2), for an even number of rows of at least 2."""
    builder = Builder(TensorMeta((6, 4), dt.float32))
    (x,) = builder.inputs
    (flat,) = builder.apply(ops.reshape, x, shape=(12, 2))
    formulas = {6: Formula(ROWS), 12: Formula(("mul", ROWS, 2))}

    def opened(value: Any) -> Any:
        return tuple(formulas.get(size, size) for size in value) if type(value) is tuple else value

    graph = map_sizes(builder.graph([flat]), opened)
    return GraphTemplate(graph, (6,), (*guards, (("eq", ("mod", ROWS, 2), 0), True)))


def written(guards: Any = ()) -> Any:
    return json.loads(to_json(template(guards)))


def read(document: Any) -> GraphTemplate:
    return template_from_json(json.dumps(document))


def test_a_template_is_made_a_graph_for_each_size_that_it_serves() -> None:
    one = template()
    for rows in (2, 10, 1000):
        graph = one.specialized((rows,))
        assert graph.inputs[0].meta.shape == (rows, 4)
        assert graph.outputs[0].meta.shape == (2 * rows, 2)
        assert graph.nodes[0].attributes["shape"] == (2 * rows, 2)
    assert [rows for rows in range(6) if one.serves((rows,))] == [0, 2, 4]


def test_a_template_comes_back_the_same_through_json() -> None:
    one = template()
    back = template_from_json(to_json(one))
    assert to_json(back) == to_json(one)
    assert (back.hints, back.guards) == (one.hints, one.guards)
    assert str(back.graph) == str(one.graph)


def test_only_a_graph_with_unknown_sizes_needs_the_newer_schema() -> None:
    plain = template().specialized((2,))
    assert json.loads(to_json(plain))["schema"] == [1, 0]
    assert written()["schema"] == [1, 1]
    assert template_from_json(to_json(plain)).hints == ()


def test_who_wants_a_graph_is_told_that_its_sizes_are_unknown() -> None:
    with pytest.raises(GraphError, match="template_from_json"):
        from_json(to_json(template()))


def test_a_guard_that_divides_by_zero_serves_no_size_there() -> None:
    one = template([(("mod", 12, ROWS), 0)])
    assert one.serves((6,))
    assert not one.serves((0,))


def test_formulas_are_written_as_a_person_would() -> None:
    assert text(("add", ("mul", ROWS, 2), ("neg", 3))) == "((?0*2)+neg(3))"
    assert evaluate(("add", ("mul", ROWS, 2), ("neg", 3)), (5,)) == 7


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("sizes.hints", []),
        ("sizes.hints", [6, 6]),
        ("sizes.hints", [-6]),
        ("sizes.hints", [7]),
        ("sizes.hints", [True]),
        ("sizes.hints", 6),
        ("sizes.guards", [[["size", 0], 5]]),
        ("sizes.guards", [[["size", 1], 5]]),
        ("sizes.guards", [[["pow", 2, 3], 8]]),
        ("sizes.guards", [[["eq", 2], True]]),
        ("sizes.guards", [[["mod", 1, 0], 0]]),
        ("sizes.guards", [[["size", 0], "6"]]),
        ("sizes.guards", [3]),
        ("sizes.extra", 1),
        ("graph.inputs.0.shape.0", {"size": ["mul", ["size", 0], 1]}),
        ("graph.inputs.0.shape.0", {"size": ["size", 1]}),
        ("graph.inputs.0.shape.0", {"size": ["size", -1]}),
        ("graph.inputs.0.shape.0", {"size": ["size", 0], "also": 1}),
        ("graph.nodes.0.outputs.0.shape.0", {"size": ["floordiv", 12, 0]}),
        ("graph.nodes.0.outputs.0.shape.0", {"size": ["eq", 12, 12]}),
        ("graph.nodes.0.outputs.0.shape.0", {"size": ["__import__", "os"]}),
        ("graph.nodes.0.outputs.0.shape.0", {"size": [["size"], 0]}),
        ("graph.nodes.0.outputs.0.shape.0", 13),
        ("graph.nodes.0.attributes.shape", [{"size": ["add", 1.5, 0]}, 2]),
        ("graph.nodes.0.attributes.shape", ["many", 2]),
        ("graph.nodes.0.attributes.shape", {"dtype": "float32"}),
    ],
)
def test_a_template_of_another_form_is_refused(path: str, value: Any) -> None:
    document = target = written()
    *parents, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    for part in parents:
        target = target[part]
    target[last] = value
    with pytest.raises(GraphError):
        read(document)


def test_a_formula_nested_without_end_is_refused() -> None:
    document, deep = written(), ["size", 0]
    for _ in range(500):
        deep = ["neg", deep]
    document["sizes"]["guards"] = [[deep, 6]]
    with pytest.raises(GraphError, match="no known formula"):
        read(document)


def test_a_template_whose_guards_fail_at_its_hints_is_malformed() -> None:
    with pytest.raises(GraphError, match="doesn't serve"):
        validate_template(template([(("gt", ROWS, 6), True)]))


def test_a_graph_without_unknown_sizes_is_a_template_as_it_is() -> None:
    graph: Graph = template().specialized((4,))
    assert GraphTemplate(graph).specialized(()) is graph
