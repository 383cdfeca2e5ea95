"""From the records of a program to the JSON of program.json."""

from __future__ import annotations

import re
from inspect import Parameter, Signature
from typing import Any

from dovetail_protocols.errors import DovetailError
from dovetail_protocols.functions import Slot
from dovetail_protocols.graph import Graph
from dovetail_protocols.graph_json import to_document
from dovetail_protocols.records import replace

from . import structures
from .constants import shared
from .format import FORMAT, VERSION
from .records import FunctionRecord, ProgramRecord

WRITER = "dovetail-checkpointing 0.1.0"


def write_function(record: FunctionRecord) -> dict[str, Any]:
    """The JSON of one function.

    Raises: StructureError for arguments or results that have no such form, GraphError for a graph that has none.
    """
    what = f"a trace of {record.name!r}"
    return {
        "name": record.name,
        "parameters": None if record.convention is None else _write_parameters(record.convention),
        "arguments": structures.encode(record.arguments, f"an argument of {what}"),
        "inputs": list(record.input_names),
        "result": structures.encode(record.result, f"the result of {what}"),
        "variables": list(record.variables),
        "graph": to_document(replace(record.template, graph=_without_folders(record.template.graph))),
    }


def _without_folders(graph: Graph) -> Graph:
    """The graph whose nodes name the file of their line without its folders: those are nobody's business."""

    def attribute(value: Any) -> Any:
        return _without_folders(value) if isinstance(value, Graph) else value

    nodes = tuple(
        replace(
            node,
            source=re.split(r"[/\\\\]", node.source)[-1],
            attributes={name: attribute(value) for name, value in node.attributes.items()},
        )
        for node in graph.nodes
    )
    return replace(graph, nodes=nodes)


def write_program(record: ProgramRecord, functions: list[dict[str, Any]]) -> dict[str, Any]:
    """The whole document, around functions that were written already."""
    functions, constants = shared(functions)
    return {
        "format": FORMAT,
        "version": VERSION,
        "writer": WRITER,
        "signatures": {name: list(numbers) for name, numbers in record.signatures.items()},
        "methods": [
            [list(path), {name: list(numbers) for name, numbers in methods.items()}]
            for path, methods in record.methods.items()
        ],
        "variables": [
            {
                "path": list(one.path),
                "name": one.name,
                "trainable": one.trainable,
                "dtype": one.dtype.name,
                "shape": list(one.shape),
                "device": str(one.device),
            }
            for one in record.variables
        ],
        "objects": [list(path) for path in record.objects],
        "aliases": [[list(path), list(target)] for path, target in record.aliases.items()],
        "assets": {name: {"bytes": one.size_bytes, "sha256": one.sha256} for name, one in record.assets.items()},
        "weights": record.weights_digest,
        "functions": functions,
        "constants": constants,
    }


def _write_parameters(signature: Signature) -> list[dict[str, Any]]:
    written = []
    for parameter in signature.parameters.values():
        one: dict[str, Any] = {"name": parameter.name, "kind": parameter.kind.name.lower()}
        if parameter.default is not Parameter.empty and _is_plain(parameter.default):
            one["default"] = structures.encode(parameter.default, "a default")
        written.append(one)
    return written


def _is_plain(value: Any) -> bool:
    """Whether a default has a plain form; of one that has none, callers of the loaded function have to say it."""
    try:
        structures.encode(value, "a default")
    except DovetailError:
        return False
    return not isinstance(value, Slot)
