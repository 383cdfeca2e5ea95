"""program.json without any tensor package: what is read is checked against itself."""

from __future__ import annotations

import copy
from inspect import signature
from typing import Any

import pytest

from dovetail_checkpointing.program.document import write_function, write_program
from dovetail_checkpointing.program.document_reader import read_program
from dovetail_checkpointing.program.format import seal_program, unseal_program
from dovetail_checkpointing.program.placing import placed
from dovetail_checkpointing.program.records import AssetRecord, FunctionRecord, ProgramRecord, VariableRecord
from dovetail_protocols import dtypes as dt
from dovetail_protocols import operations as ops
from dovetail_protocols.errors import CheckpointCorruptError, CheckpointVersionError, GraphError
from dovetail_protocols.functions import Slot
from dovetail_protocols.graph import Graph, Node, State, Value
from dovetail_protocols.graph_templates import GraphTemplate
from dovetail_protocols.metas import CPU, Device, TensorMeta
from dovetail_protocols.size_formulas import Formula

VECTOR = TensorMeta((Formula(("size", 0)),), dt.float32)  # type: ignore[arg-type] # a template's
SCALAR = TensorMeta((), dt.float32)


def documented() -> dict[str, Any]:
    """x: (?,) + w, with w doubled, as the method `step` of the object at `layers/0`."""
    x, w, total, doubled = (Value(number, meta) for number, meta in enumerate([VECTOR, SCALAR, VECTOR, SCALAR]))
    nodes = (Node(ops.add, (x, w), (total,), {}), Node(ops.add, (w, w), (doubled,), {}))
    graph = Graph("step", (x, w), nodes, (total, doubled), (), (State("w", 1, 1),))

    def step(x: Any, training: bool = True) -> Any: ...

    function = FunctionRecord(
        "step", signature(step), ((Slot(0), True), {}), ("x",), {"y": Slot(0)}, GraphTemplate(graph, (5,)), (0,)
    )
    variable = VariableRecord(("layers", 0, "w"), "w", True, dt.float32, (), CPU)
    record = ProgramRecord(
        (),
        {"serving_default": (0,)},
        {("layers", 0): {"step": (0,)}},
        (variable,),
        ((), ("layers",), ("layers", 0)),
        {("same",): ("layers", 0)},
        {"a.txt": AssetRecord(3, "0" * 64)},
        "1" * 64,
    )
    return write_program(record, [write_function(function)])


def test_a_document_comes_back_as_the_same_records() -> None:
    document = documented()
    data, digest = seal_program(document)
    back, found = unseal_program(data, "program.json")
    assert (back, found) == (document, digest)
    record = read_program(back, "program.json")
    (function,) = record.functions
    assert str(function.inputs[0]) == "x: float32[?]"
    assert function.convention is not None
    assert function.convention.bind(3).arguments == {"x": 3}
    assert str(function.convention) == "(x, training=True)"
    assert write_program(record, [write_function(function)]) == document


def test_a_newer_version_is_told_from_damage() -> None:
    data, _ = seal_program(documented() | {"version": 2})
    with pytest.raises(CheckpointVersionError, match="pip install -U"):
        unseal_program(data, "program.json")


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("version",), 0),
        (("more",), 1),
        (("weights",), "0" * 63),
        (("assets", "a.txt", "bytes"), -1),
        (("assets", "a.txt", "sha256"), "g" * 64),
        (("assets", "../a"), {"bytes": 1, "sha256": "0" * 64}),
        (("signatures", "serving_default"), []),
        (("signatures", "serving_default"), [1]),
        (("signatures", "serving_default"), [0, True]),
        (("methods", 0, 0), ["layers", 1]),
        (("objects",), []),
        (("objects",), [[], [], ["layers"], ["layers", 0]]),
        (("objects", 0), ["layers", 0, "w"]),
        (("aliases", 0), [["same"], ["other"]]),
        (("aliases", 0), [["same"], ["same"]]),
        (("aliases", 0), [["layers", 0, "w", "x"], ["layers", 0]]),
        (("variables", 0, "path"), ["layers", None]),
        (("variables", 0, "shape"), [1]),
        (("variables", 0, "dtype"), "float64"),
        (("variables", 0, "dtype"), "object"),
        (("variables", 0, "device"), "cpu:0"),
        (("variables", 0, "trainable"), 1),
        (("functions", 0, "inputs"), ["x", "w"]),
        (("functions", 0, "variables"), []),
        (("functions", 0, "variables"), [0, 0]),
        (("functions", 0, "arguments"), {"tuple": [{"tuple": [{"slot": 1}]}, {"dict": []}]}),
        (("functions", 0, "arguments"), {"tuple": [{"list": [{"slot": 0}]}, {"dict": []}]}),
        (("functions", 0, "result"), {"slot": 1}),
        (("functions", 0, "result"), {"tuple": [{"slot": 0}, {"slot": 0}]}),
        (("functions", 0, "result"), {"list": [{"slot": 0}, None]}),
        (("functions", 0, "parameters", 0, "name"), "not an identifier"),
        (("functions", 0, "parameters", 0, "kind"), "lambda"),
        (("functions", 0, "parameters", 0, "default"), {"slot": 0}),
        (("functions", 0, "parameters", 1, "name"), "x"),
        (("functions", 0, "graph", "graph", "states"), []),
        (("functions", 0, "graph", "graph", "states", 0, "output"), 0),
        (("functions", 0, "graph", "graph", "states", 0, "input"), 0),
        (("functions", 0, "graph", "graph", "outputs"), [3, 2]),
        (("constants",), None),
    ],
)
def test_a_document_that_contradicts_itself_is_refused(path: tuple[Any, ...], value: Any) -> None:
    document = target = copy.deepcopy(documented())
    for part in path[:-1]:
        target = target[part]
    target[path[-1]] = value
    data, _ = seal_program(document)
    with pytest.raises((CheckpointCorruptError, GraphError)):
        read(data)


def read(data: bytes) -> ProgramRecord:
    document, _ = unseal_program(data, "program.json")
    return read_program(document, "program.json")


def test_a_document_is_moved_to_another_device_whole() -> None:
    document = documented()
    moved = placed(document, Device("acme", 1))
    assert document == documented()
    record = read_program(document, "program.json", Device("acme", 1))
    assert record.variables[0].device == Device("acme", 1)
    metas = [value.meta for value in record.functions[0].template.graph.values()]
    assert {meta.device for meta in metas} == {Device("acme", 1)}
    assert placed(moved, CPU) == document
